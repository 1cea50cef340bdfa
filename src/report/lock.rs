//! A lock so that one process at a time writes to a target; files of a process that was killed are found and removed.
//!
//! Beside the target is a lock file. The process that writes to the target holds a lock on it, which the system releases
//! when the process ends for any reason. The file names the process and the hidden directories that it made. A lock file
//! that no process holds is left over from a process that was killed.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Component, Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long a lock may be held by a process that only looks for left-over files.
const CHECK_TIME_MAX: Duration = Duration::from_millis(200);
/// The end of the names of lock files.
const ENDING: &str = ".ledgerlab-lock";
/// The first line of a lock file.
const HEAD: &str = "ledgerlab";
/// Names of hidden files and directories that are being written, and of those being replaced: a dot, the name of the
/// target, one of these, and the number of the process.
const MAKING: &str = ".tmp-";
const REPLACED: &str = ".old-";

/// A target that only this process writes to until this is dropped.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    file: Mutex<File>,
}

/// Why a target could not be locked.
#[derive(Debug)]
pub enum Locked {
    /// Another process, with this number if it is known, writes there.
    Busy(Option<u32>),
    /// The lock file could not be used.
    Failed(io::Error),
}

impl From<io::Error> for Locked {
    fn from(error: io::Error) -> Locked {
        Locked::Failed(error)
    }
}

impl Lock {
    /// Locks `target`. Parents are made as needed.
    ///
    /// # Errors
    /// See [`Locked`].
    pub fn of(target: &Path) -> Result<Lock, Locked> {
        let unnamed = || io::Error::new(io::ErrorKind::InvalidInput, "this is not a name for a folder");
        let (parent, name) = target.parent().zip(target.file_name()).ok_or_else(unnamed)?;
        fs::create_dir_all(parent)?;
        let path = parent.join(format!(".{}{ENDING}", name.to_string_lossy()));
        // A process that waited for a lock whose file was then removed has a lock on no path: it tries again.
        let begun = Instant::now();
        loop {
            let mut file = open(&path, true)?;
            let mut text = String::new();
            match file.try_lock() {
                Ok(()) => {}
                // A process that looks for left-over files holds the lock for a moment.
                Err(fs::TryLockError::WouldBlock) if begun.elapsed() < CHECK_TIME_MAX => {
                    std::thread::yield_now();
                    continue;
                }
                Err(fs::TryLockError::WouldBlock) => {
                    let _ = file.read_to_string(&mut text);
                    return Err(Locked::Busy(process(&text)));
                }
                // Some file systems have no locks: results without a lock are better than none.
                Err(fs::TryLockError::Error(_)) => {}
            }
            if !is_at(&file, &path) {
                continue;
            }
            file.read_to_string(&mut text)?;
            if !text.is_empty() && text.lines().next() != Some(HEAD) {
                let what = format!("{} is in the way, and no lock of this program", path.display());
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, what).into());
            }
            sweep(parent, &text);
            file.set_len(0)?;
            file.rewind()?;
            write!(file, "{HEAD}\nprocess {}\n", std::process::id())?;
            return Ok(Lock { path, file: Mutex::new(file) });
        }
    }
    /// Notes a hidden file or directory before it is made, so that it is found if this process is killed.
    ///
    /// # Errors
    /// If that cannot be written.
    pub fn note(&self, hidden: &Path) -> io::Result<()> {
        let parent = self.path.parent().unwrap_or(Path::new("."));
        let Ok(below) = hidden.strip_prefix(parent) else { return Ok(()) };
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        writeln!(file, "hidden {}", below.display())
    }
}

impl Drop for Lock {
    /// Removes the file before the lock is released, so that no process finds the file without a lock.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Opens a lock file. Links are not followed, and nothing is changed.
fn open(path: &Path, make: bool) -> io::Result<File> {
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        let what = format!("{} is in the way, and no lock of this program", path.display());
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, what));
    }
    File::options().read(true).write(true).create(make).truncate(false).open(path)
}

/// Whether `path` still leads to this file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let (Ok(held), Ok(there)) = (file.metadata(), fs::symlink_metadata(path)) else { return false };
    (held.dev(), held.ino()) == (there.dev(), there.ino())
}

/// Whether `path` still leads to this file: elsewhere a file that is open cannot be removed.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

/// The process named in the text of a lock file.
fn process(text: &str) -> Option<u32> {
    text.lines().find_map(|line| line.strip_prefix("process ")?.parse().ok())
}

/// The name of a hidden directory while it is written.
#[must_use]
pub fn making(target: &Path) -> PathBuf {
    hidden(target, MAKING)
}

/// The name of the earlier content of `target` until it is removed.
#[must_use]
pub fn replaced(target: &Path) -> PathBuf {
    hidden(target, REPLACED)
}

fn hidden(target: &Path, kind: &str) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}{kind}{}", std::process::id()))
}

/// Finds files beside `target` that processes left when they were killed, and removes them. Returns their paths.
#[must_use]
pub fn clear_beside(target: &Path) -> Vec<PathBuf> {
    let Some(parent) = target.parent() else { return Vec::new() };
    let mut found = Vec::new();
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| name.starts_with('.') && name.ends_with(ENDING)) else { continue };
        let path = parent.join(name);
        let Ok(mut file) = open(&path, false) else { continue };
        let mut text = String::new();
        if file.try_lock().is_ok() && is_at(&file, &path) && file.read_to_string(&mut text).is_ok() {
            if text.lines().next() != Some(HEAD) {
                continue;
            }
            found.extend(sweep(parent, &text));
            let _ = fs::remove_file(&path);
        }
    }
    found.sort();
    found
}

/// Removes the hidden directories that a lock file without a process names. Earlier content that was not replaced is
/// restored.
fn sweep(parent: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for below in text.lines().filter_map(|line| line.strip_prefix("hidden ")) {
        let path = parent.join(below);
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let leads_down = Path::new(below).components().all(|part| matches!(part, Component::Normal(_)));
        if !leads_down || !is_reached_by_folders(parent, Path::new(below)) {
            continue;
        }
        let done = if let Some(name) = of(name, REPLACED) {
            let target = path.with_file_name(name);
            if fs::symlink_metadata(&target).is_err() { fs::rename(&path, &target) } else { remove(&path) }
        } else if of(name, MAKING).is_some() {
            remove(&path)
        } else {
            continue;
        };
        found.extend(done.is_ok().then_some(path));
    }
    found
}

/// Removes a file, or a folder with all that is in it; of links only themselves.
fn remove(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

/// The name of the place for which a folder is hidden.
fn of<'a>(hidden: &'a str, kind: &str) -> Option<&'a str> {
    let (name, number) = hidden.strip_prefix('.')?.rsplit_once(kind)?;
    (!name.is_empty() && number.parse::<u32>().is_ok()).then_some(name)
}

/// Whether nothing but folders lies on the way: a link could lead anywhere.
fn is_reached_by_folders(parent: &Path, below: &Path) -> bool {
    let mut path = parent.to_owned();
    below.parent().into_iter().flat_map(Path::components).all(|part| {
        path.push(part);
        fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_place_is_locked_once_and_free_again_afterwards() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("deep/run");
        let lock = Lock::of(&target).unwrap();
        let Err(Locked::Busy(holder)) = Lock::of(&target) else { panic!("two locks") };
        assert_eq!(holder, Some(std::process::id()));
        Lock::of(&home.path().join("deep/other")).unwrap();
        drop(lock);
        assert_eq!(names(&home.path().join("deep")), [] as [&str; 0]);
        Lock::of(&target).unwrap();
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_it_was_about_to_replace_is_put_back() {
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name);
        for folder in [".run.tmp-7", ".run.old-7", ".kept.tmp-9", "mine", ".other.old-3", "other"] {
            fs::create_dir(at(folder)).unwrap();
            fs::write(at(folder).join("text"), folder).unwrap();
        }
        let left = "ledgerlab\nprocess 7\nhidden .run.tmp-7\nhidden .run.old-7\nhidden mine\nhidden ../mine\n";
        fs::write(at(".run.ledgerlab-lock"), left).unwrap();
        fs::write(at(".other.ledgerlab-lock"), "ledgerlab\nprocess 3\nhidden .other.old-3\n").unwrap();
        fs::write(at(".strange.ledgerlab-lock"), "hidden .kept.tmp-9\n").unwrap();
        let held = Lock::of(&at("held")).unwrap();
        let found = clear_beside(&at("new"));
        assert_eq!(found, [at(".other.old-3"), at(".run.old-7"), at(".run.tmp-7")]);
        assert_eq!(fs::read_to_string(at("run/text")).unwrap(), ".run.old-7", "it is back in its place");
        let left = [".held.ledgerlab-lock", ".kept.tmp-9", ".strange.ledgerlab-lock", "mine", "other", "run"];
        assert_eq!(names(home.path()), left);
        drop(held);
        assert!(matches!(Lock::of(&at("strange")), Err(Locked::Failed(_))), "what is not ours is left alone");
    }
}
