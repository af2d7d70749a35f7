//! Packet captures: pcap and pcapng, told by their magic.
