//! Under `sudo`, what the lab writes belongs to whoever called it: a `target` directory that only root can clean is no
//! way to leave somebody's working copy.

use std::{io, os::unix::fs::lchown, path::Path};

/// Makes a directory and those above it; what was made belongs to whoever called, whatever happens next.
pub fn create_dir_all(path: &Path) -> io::Result<()> {
    let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
    let topmost_made = path.ancestors().take_while(is_missing).last();
    std::fs::create_dir_all(path)?;
    if let Some(made) = topmost_made {
        give_back(made);
    }
    Ok(())
}

/// Gives a directory and all in it to the user that `sudo` was called by. What can't be given stays root's.
pub fn give_back(path: &Path) {
    let id = |name: &str| std::env::var(name).ok().and_then(|id| id.parse::<u32>().ok());
    if let (Some(user), Some(group)) = (id("SUDO_UID"), id("SUDO_GID")) {
        give(path, user, group);
    }
}

fn give(path: &Path, user: u32, group: u32) {
    let _ = lchown(path, Some(user), Some(group));
    // A link is given, never followed.
    if path.is_symlink() {
        return;
    }
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        give(&entry.path(), user, group);
    }
}
