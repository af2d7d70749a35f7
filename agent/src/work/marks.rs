//! Which updates of firmware went past their gate, kept where it outlives this process and ends with the boot.
//!
//! Whoever dies behind the gate leaves a device that may be half written. The process that comes after it is handed the
//! same instruction again, with a precondition that may still hold, and must not begin it a second time.

use pious_protocol::ids::InstructionId;
use std::{fs, io, path::PathBuf};

/// The marks of a boot: one empty file for each update, named by its instruction. None is ever removed.
#[derive(Clone, Debug)]
pub struct Marks {
    folder: PathBuf,
}

/// A mark that is ready to be set.
#[derive(Debug)]
pub(super) struct Mark {
    ready: PathBuf,
    set: PathBuf,
}

impl Marks {
    /// Those in this folder, which is made when the first is. It must be on a file system that a reboot empties.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    fn path(&self, id: InstructionId) -> PathBuf {
        self.folder.join(id.to_string())
    }

    /// Whether this instruction's is set.
    pub(super) fn is_set(&self, id: InstructionId) -> io::Result<bool> {
        match self.path(id).try_exists() {
            // There is no such folder.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(false),
            outcome => outcome,
        }
    }

    /// Takes the room for a mark, so that what may fail fails where nothing has begun: setting it only renames it.
    pub(super) fn ready(&self, id: InstructionId) -> io::Result<Mark> {
        fs::create_dir_all(&self.folder)?;
        let set = self.path(id);
        let ready = set.with_extension("ready");
        fs::write(&ready, "")?;
        Ok(Mark { ready, set })
    }
}

impl Mark {
    /// Sets it; twice is once.
    pub(super) fn set(&self) -> io::Result<()> {
        match fs::rename(&self.ready, &self.set) {
            Err(_) if self.set.exists() => Ok(()),
            outcome => outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_mark_outlives_whoever_set_it_and_is_its_instructions_alone() {
        let run = tempfile::tempdir().unwrap();
        let (one, other) = (InstructionId(Uuid::from_u128(1)), InstructionId(Uuid::from_u128(2)));
        let marks = || Marks::new(run.path().join("pious/begun"));
        let is_set = |id| marks().is_set(id).unwrap();
        assert!(!is_set(one), "there is no folder yet");
        let mark = marks().ready(one).unwrap();
        assert!(!is_set(one), "the gate is still shut");
        // One that died here has begun nothing, and may begin again.
        drop(mark);
        let mark = marks().ready(one).unwrap();
        mark.set().unwrap();
        mark.set().unwrap();
        assert_eq!((is_set(one), is_set(other)), (true, false));
    }

    #[test]
    fn where_no_mark_can_be_kept_none_gets_ready() {
        let run = tempfile::NamedTempFile::new().unwrap();
        let marks = Marks::new(run.path().join("begun"));
        let id = InstructionId(Uuid::from_u128(1));
        assert_eq!(marks.ready(id).unwrap_err().kind(), io::ErrorKind::NotADirectory);
        assert!(!marks.is_set(id).unwrap());
    }

    #[test]
    fn what_can_t_be_read_is_not_believed_to_be_unset() {
        let run = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("begun", run.path().join("begun")).unwrap();
        let marks = Marks::new(run.path().join("begun"));
        assert!(marks.is_set(InstructionId(Uuid::from_u128(1))).is_err());
    }
}
