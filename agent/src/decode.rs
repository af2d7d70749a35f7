//! The `facts` and `decode` subcommands.
