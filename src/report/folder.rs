//! Folders that appear whole or not at all.
//!
//! A folder is written beside the place where it will stand, under a name that begins with a dot, and renamed when
//! everything is in it. What stood there before is moved aside first and removed last, so that at any instant either
//! the old or the new folder can be found whole. A folder that is not ours is never touched.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The file by which a folder is known as one of ours.
pub const MANIFEST: &str = "manifest.json";

/// What stands at a place where results shall go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// Nothing, or an empty folder.
    Free,
    /// Earlier results.
    Earlier,
    /// Something else.
    Foreign,
}

impl Place {
    /// Looks at `path`.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn of(path: &Path) -> io::Result<Place> {
        match fs::read_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Place::Free),
            Err(error) => Err(error),
            Ok(_) if is_ours(path) => Ok(Place::Earlier),
            Ok(mut entries) => Ok(if entries.next().is_none() { Place::Free } else { Place::Foreign }),
        }
    }
}

fn is_ours(path: &Path) -> bool {
    let Ok(text) = fs::read_to_string(path.join(MANIFEST)) else { return false };
    let manifest: Option<serde_json::Value> = serde_json::from_str(&text).ok();
    manifest.is_some_and(|manifest| manifest["program"] == super::PROGRAM)
}

/// Something could not be written. The cause is its source.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}")]
pub struct Unwritten {
    /// What: a file or a folder, at the place where it would have stood.
    pub path: String,
    #[source]
    cause: io::Error,
}

impl Unwritten {
    /// Writing `path` failed because of `cause`.
    #[must_use]
    pub fn new(path: &Path, cause: io::Error) -> Unwritten {
        Unwritten { path: path.display().to_string(), cause }
    }
}

/// Makes a file: the real thing, except in tests.
type Create = fn(&Path) -> io::Result<File>;

/// A folder in the making. Dropped before it has landed, it disappears.
#[derive(Debug)]
pub struct Folder {
    temporary: TempDir,
    /// Where it goes.
    target: PathBuf,
    /// What people call that place: differs from `target` for parts of a folder that is itself in the making.
    shown: PathBuf,
    create: Create,
}

impl Folder {
    /// Begins the folder that will stand at `target`. Parents are made as needed.
    ///
    /// # Errors
    /// If nothing can be written there.
    pub fn begin(target: &Path) -> Result<Folder, Unwritten> {
        Folder::begin_with(target, |path| File::create(path))
    }
    fn begin_with(target: &Path, create: Create) -> Result<Folder, Unwritten> {
        let failed = |cause| Unwritten::new(target, cause);
        let absolute = std::path::absolute(target).map_err(failed)?;
        Ok(Folder { temporary: beside(&absolute).map_err(failed)?, target: absolute, shown: target.into(), create })
    }
    /// Begins a folder within this one.
    ///
    /// # Errors
    /// If nothing can be written there.
    pub fn part(&self, name: &str) -> Result<Folder, Unwritten> {
        let (target, shown) = (self.temporary.path().join(name), self.shown.join(name));
        let temporary = beside(&target).map_err(|cause| Unwritten::new(&shown, cause))?;
        Ok(Folder { temporary, target, shown, create: self.create })
    }
    /// Writes the file called `name`, which may lie in a sub-folder.
    ///
    /// # Errors
    /// Names the file and the cause.
    pub fn file(&self, name: &str, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Unwritten> {
        let path = self.temporary.path().join(name);
        let written = || -> io::Result<()> {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            let mut out = BufWriter::new((self.create)(&path)?);
            write(&mut out)?;
            out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
        };
        written().map_err(|cause| Unwritten::new(&self.shown.join(name), cause))
    }
    /// Puts the folder in its place, and removes what stood there. Returns the place.
    ///
    /// # Errors
    /// If it cannot be put there; what stood there stands again.
    pub fn land(self) -> Result<PathBuf, Unwritten> {
        let target = self.target.clone();
        self.land_at(&target).map_err(|cause| Unwritten::new(&self.shown, cause))?;
        Ok(self.shown)
    }
    /// Puts the folder in its place if that is free, else beside it under its name with `suffix`, and if need be a
    /// number: nothing is replaced. Returns the place.
    ///
    /// # Errors
    /// If it cannot be put there.
    pub fn land_beside(self, suffix: &str) -> Result<PathBuf, Unwritten> {
        let named = |path: &Path, number: u32| match number {
            0 => path.to_owned(),
            1 => with_suffix(path, suffix),
            _ => with_suffix(path, &format!("{suffix}-{number}")),
        };
        let free = |number: &u32| matches!(Place::of(&named(&self.target, *number)), Ok(Place::Free));
        let number = (0..=u32::MAX).find(free).expect("some number is free");
        let shown = named(&self.shown, number);
        self.land_at(&named(&self.target, number)).map_err(|cause| Unwritten::new(&shown, cause))?;
        Ok(shown)
    }
    fn land_at(&self, target: &Path) -> io::Result<()> {
        // An empty folder may stand there; on some systems nothing can be renamed onto it.
        let _ = fs::remove_dir(target);
        if fs::symlink_metadata(target).is_err() {
            return fs::rename(self.temporary.path(), target);
        }
        let aside = beside(target)?;
        let earlier = aside.path().join("earlier");
        fs::rename(target, &earlier)?;
        if let Err(error) = fs::rename(self.temporary.path(), target) {
            // If this fails as well, the earlier results must not be removed with the folder that they are in now.
            if fs::rename(&earlier, target).is_err() {
                let _ = aside.keep();
            }
            return Err(error);
        }
        Ok(())
    }
}

/// A fresh folder, hidden, on the same disk as `target`.
fn beside(target: &Path) -> io::Result<TempDir> {
    let unnamed = || io::Error::new(io::ErrorKind::InvalidInput, "this is not a name for a folder");
    let (parent, name) = target.parent().zip(target.file_name()).ok_or_else(unnamed)?;
    fs::create_dir_all(parent)?;
    let prefix = format!(".{}.tmp-", name.to_string_lossy());
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix);
    // Others may read results as far as the user's mask allows, as with any folder.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
    builder.tempdir_in(parent)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(folder: &Folder, text: &str) {
        let manifest = format!("{{\"program\": \"{}\"}}", crate::report::PROGRAM);
        folder.file(MANIFEST, |out| out.write_all(manifest.as_bytes())).unwrap();
        folder.file("inner/text", |out| out.write_all(text.as_bytes())).unwrap();
    }

    fn names(path: &Path) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<String> = fs::read_dir(path).unwrap().map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn a_folder_appears_when_it_lands_and_replaces_earlier_results() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("deep/run");
        for text in ["first", "second"] {
            let folder = Folder::begin(&target).unwrap();
            fill(&folder, text);
            assert_ne!(fs::read_to_string(target.join("inner/text")).ok().as_deref(), Some(text), "not there yet");
            assert_eq!(folder.land().unwrap(), target);
            assert_eq!(fs::read_to_string(target.join("inner/text")).unwrap(), text);
            assert_eq!(names(&home.path().join("deep")), ["run"], "nothing is left behind");
        }
    }

    #[test]
    fn a_folder_that_never_lands_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::begin(&home.path().join("run")).unwrap();
        fill(&folder, "text");
        drop(folder);
        assert!(names(home.path()).is_empty());
    }

    #[test]
    fn a_folder_that_lands_beside_replaces_nothing() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("run");
        for (number, place) in ["run", "run-interrupted", "run-interrupted-2"].into_iter().enumerate() {
            let folder = Folder::begin(&target).unwrap();
            fill(&folder, &number.to_string());
            assert_eq!(folder.land_beside("-interrupted").unwrap(), home.path().join(place));
        }
        assert_eq!(fs::read_to_string(target.join("inner/text")).unwrap(), "0");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told_with_the_file_and_leaves_earlier_results() {
        let full: Create = |path| {
            if path.ends_with("blocks.csv") {
                File::options().write(true).open("/dev/full")
            } else {
                File::create(path)
            }
        };
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("run");
        let earlier = Folder::begin(&target).unwrap();
        fill(&earlier, "earlier");
        earlier.land().unwrap();
        let folder = Folder::begin_with(&target, full).unwrap();
        fill(&folder, "later");
        let error = folder.file("blocks.csv", |out| out.write_all(&vec![b'x'; 100_000])).unwrap_err();
        let path = target.join("blocks.csv");
        let told = format!("{:#}", anyhow::Error::from(error));
        assert_eq!(told, format!("cannot write {}: No space left on device (os error 28)", path.display()));
        drop(folder);
        assert_eq!(names(home.path()), ["run"]);
        assert_eq!(fs::read_to_string(target.join("inner/text")).unwrap(), "earlier");
    }

    #[test]
    fn what_is_not_ours_is_foreign() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("place");
        assert_eq!(Place::of(&path).unwrap(), Place::Free);
        fs::create_dir(&path).unwrap();
        assert_eq!(Place::of(&path).unwrap(), Place::Free);
        fs::write(path.join("letter.txt"), "dear").unwrap();
        assert_eq!(Place::of(&path).unwrap(), Place::Foreign);
        fs::write(path.join(MANIFEST), "{\"program\": \"another\"}").unwrap();
        assert_eq!(Place::of(&path).unwrap(), Place::Foreign);
        assert!(Place::of(&path.join("letter.txt")).is_err());
        assert!(Folder::begin(&path.join("letter.txt/run")).is_err());
    }

    #[test]
    fn a_part_is_called_by_the_place_where_it_will_stand() {
        let home = tempfile::tempdir().unwrap();
        let whole = Folder::begin(&home.path().join("runs")).unwrap();
        let part = whole.part("seed-1").unwrap();
        fill(&part, "one");
        assert_eq!(part.land().unwrap(), home.path().join("runs/seed-1"));
        fill(&whole, "all");
        whole.land().unwrap();
        assert_eq!(names(&home.path().join("runs")), ["inner", MANIFEST, "seed-1"]);
    }
}
