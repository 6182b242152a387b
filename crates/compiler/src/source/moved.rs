//! Files that were numbered by themselves, among others.

use super::{FileId, Location};

/// The new numbers of files, by the old ones.
pub(crate) struct MovedFiles {
    files: Vec<FileId>,
    /// Whether none has another number than before.
    is_same: bool,
}

impl MovedFiles {
    pub(crate) fn new(files: Vec<FileId>) -> Self {
        let is_same = files.iter().enumerate().all(|(old, new)| new.index() == old);
        Self { files, is_same }
    }

    /// Whether every place stays what it is.
    pub(crate) fn is_same(&self) -> bool {
        self.is_same
    }

    /// The place among the others.
    pub(crate) fn place(&self, place: Location) -> Location {
        Location { file: self.files[place.file.index()], ..place }
    }

    /// Moves a place.
    pub(crate) fn move_place(&self, place: &mut Location) {
        *place = self.place(*place);
    }
}
