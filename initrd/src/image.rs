//! Archives → `initrd.img`: each archive is one zstd frame, padded to four bytes, and they lie end to end. The kernel
//! unpacks frame after frame (init/initramfs.c), so that a new agent leaves the compressed drivers as they are.

use std::io::{self, Write};
use std::thread;

/// How much time may go into making the image small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// What mkinitramfs does: for a desk and a lab.
    Quick,
    /// As small as zstd can: for a fleet that downloads it.
    Release,
}

/// mkinitramfs's own zstd level (initramfs-tools 0.142).
const QUICK_LEVEL: i32 = 9;

/// zstd's last level ("ultra").
const RELEASE_LEVEL: i32 = 22;

/// The unpacker allocates a whole window (lib/decompress_unzstd.c), in a guest of 256 MiB that holds the packed and the
/// unpacked image at that moment. Sixteen MiB instead of the level's own 128 cost 0.7 % of the image's size.
const RELEASE_WINDOW_LOG: u32 = 24;

/// Archives begin at multiples of this (buffer-format.rst).
const ALIGNMENT_BYTES: usize = 4;

impl Effort {
    /// The words for the manifest; they also tell cached archives apart.
    pub fn words(self) -> String {
        match self {
            Effort::Quick => format!("zstd level {QUICK_LEVEL}"),
            Effort::Release => format!("zstd level {RELEASE_LEVEL}, window 2^{RELEASE_WINDOW_LOG}"),
        }
    }
}

/// One archive as one padded zstd frame. The bytes do not depend on the number of processors: zstd cuts its jobs by
/// level and window, never by the number of workers, as long as there is at least one.
pub fn compress(archive: &[u8], effort: Effort) -> io::Result<Vec<u8>> {
    let workers = thread::available_parallelism().map_or(1, |count| count.get() as u32);
    compress_with(archive, effort, workers)
}

/// As [`compress`], with this many workers.
pub fn compress_with(archive: &[u8], effort: Effort, workers: u32) -> io::Result<Vec<u8>> {
    let level = match effort {
        Effort::Quick => QUICK_LEVEL,
        Effort::Release => RELEASE_LEVEL,
    };
    let mut encoder = zstd::Encoder::new(Vec::with_capacity(archive.len() / 3), level)?;
    encoder.set_pledged_src_size(Some(archive.len() as u64))?;
    encoder.include_contentsize(true)?;
    encoder.include_checksum(true)?;
    encoder.multithread(workers.max(1))?;
    if effort == Effort::Release {
        encoder.window_log(RELEASE_WINDOW_LOG)?;
    }
    encoder.write_all(archive)?;
    let mut packed = encoder.finish()?;
    packed.resize(packed.len().next_multiple_of(ALIGNMENT_BYTES), 0);
    Ok(packed)
}
