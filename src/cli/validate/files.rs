//! The files that are named on the command line, and those in folders, in the order of their names.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::decode::container::is_housekeeping;

/// The longest file that is read.
pub(super) const FILE_BYTES_MAX: u64 = 1 << 30;

/// A file to look at.
pub(super) struct Input {
    /// Where it is; `-` for standard input.
    pub(super) path: PathBuf,
    /// As it is called in what is said of it, with `/` between folders.
    pub(super) name: String,
}

impl Input {
    fn of(path: &Path) -> Input {
        Input { path: path.to_path_buf(), name: path.to_string_lossy().replace('\\', "/") }
    }

    /// Its bytes; the error is a sentence.
    pub(super) fn read(&self, bytes_max: u64) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        let read = match self.path.to_str() {
            Some("-") => io::stdin().lock().take(bytes_max + 1).read_to_end(&mut bytes),
            _ => File::open(&self.path).and_then(|file| file.take(bytes_max + 1).read_to_end(&mut bytes)),
        };
        match read {
            Err(error) => Err(self.wrong(&error.to_string())),
            Ok(length) if length as u64 > bytes_max => Err(self.wrong(&format!("more than {bytes_max} bytes"))),
            Ok(_) => Ok(bytes),
        }
    }

    fn wrong(&self, what: &str) -> String {
        if self.name.is_empty() { what.to_owned() } else { format!("{}: {what}", self.name) }
    }
}

/// A file, or all files under a folder; an error is a sentence about what could not be listed. Symbolic links inside a
/// folder are not followed, and what operating systems leave lying about is passed over.
pub(super) fn under(path: &Path) -> Vec<Result<Input, String>> {
    if !path.is_dir() {
        return vec![Ok(Input::of(path))];
    }
    let mut found = Vec::new();
    walk(path, &mut found);
    found
}

fn walk(folder: &Path, found: &mut Vec<Result<Input, String>>) {
    let listed = std::fs::read_dir(folder).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
    let mut entries = match listed {
        Ok(entries) => entries,
        Err(error) => return found.push(Err(format!("{}: {error}", folder.display()))),
    };
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&path, found),
            Ok(kind) if kind.is_file() && !is_housekeeping(&entry.file_name().to_string_lossy()) => {
                found.push(Ok(Input::of(&path)));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_walked_in_order_and_files_read_up_to_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("b")).unwrap();
        for name in ["c.json", "a.json", "b/x", ".DS_Store"] {
            std::fs::write(at(name), "12345").unwrap();
        }
        let found: Vec<Input> = under(folder.path()).into_iter().map(Result::unwrap).collect();
        let names: Vec<&str> = found.iter().map(|one| one.name.rsplit('/').next().unwrap()).collect();
        assert_eq!(names, ["a.json", "x", "c.json"]);
        assert_eq!(found[0].read(5).unwrap(), b"12345");
        assert!(found[0].read(4).unwrap_err().ends_with("more than 4 bytes"));
        assert!(under(&at("none"))[0].as_ref().is_ok_and(|input| input.read(5).is_err()));
    }
}
