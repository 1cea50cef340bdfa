//! Output directories that appear complete or not at all.
//!
//! A directory is written beside its target under a name that begins with a dot, and renamed when all files are in it.
//! Earlier results that it replaces are first moved aside and finally removed, file by file as their manifest lists them.
//! At any instant either the old or the new directory is complete. Files of others are never touched, and nothing is written
//! outside: all parts of a path are plain names.

use super::lock::{self, Lock, Locked};
use super::manifest::{MANIFEST, Sealed};
use super::target_state::{self, TargetState};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A file or directory could not be written. The cause is its source.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}")]
pub struct WriteError {
    /// The path that it would have had in the end.
    pub path: String,
    #[source]
    cause: io::Error,
}

impl WriteError {
    /// Writing `path` failed because of `cause`.
    #[must_use]
    pub fn new(path: &Path, cause: io::Error) -> WriteError {
        WriteError { path: path.display().to_string(), cause }
    }
}

/// Which results may be replaced, and what happens to others.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    /// The hash of the scenario: results of the same one are replaced.
    pub scenario_sha256: String,
    /// Results of these kinds are replaced.
    pub kinds: &'static [&'static str],
    /// Whether results of any other experiment are replaced too.
    pub force: bool,
    /// Whether to write beside results that may not be replaced; else that is an error.
    pub beside: bool,
}

/// A target that only this process writes to.
#[derive(Debug)]
pub struct Claim {
    target: PathBuf,
    shown: PathBuf,
    rule: Rule,
    lock: Lock,
    /// Messages for the user about what was found there.
    pub notes: Vec<String>,
}

/// Why a target cannot be claimed.
#[derive(Debug, thiserror::Error)]
#[error("cannot write results to {path}: {why}")]
pub struct Refused {
    path: String,
    why: String,
}

impl Claim {
    /// Claims `target`, or a path beside it if `rule` says so.
    ///
    /// # Errors
    /// If its content may not be replaced, another process writes there, or nothing can be written there.
    ///
    /// # Panics
    /// Never: some number is free.
    pub fn on(target: &Path, rule: &Rule) -> Result<Claim, Refused> {
        let mut notes = Vec::new();
        let at = |path: &Path| -> Result<PathBuf, Refused> {
            target_state::resolve(path).map_err(|error| refused(path, error.to_string()))
        };
        for left in lock::clear_beside(&at(target)?) {
            notes.push(format!("removed {}, left behind by a process that was killed", relative(&left)));
        }
        for number in 1..=u32::MAX {
            let shown = if number == 1 { target.to_owned() } else { with_suffix(target, &format!("-{number}")) };
            let place = at(&shown)?;
            let lock = lock_of(&place, &shown)?;
            let found = TargetState::read(&place).map_err(|error| refused(&shown, error.to_string()))?;
            match rule.judge(&found) {
                Ok(()) => {
                    if number > 1 {
                        notes.push(format!("results go to {}", shown.display()));
                    }
                    return Ok(Claim { target: place, shown, rule: rule.clone(), lock, notes });
                }
                Err(why) if rule.beside => notes.extend((number == 1).then(|| format!("{} {why}", shown.display()))),
                Err(why) => return Err(refused(&shown, format!("it {why}; choose another place with --out"))),
            }
        }
        unreachable!("some number is free")
    }
    /// Claims `target` whatever it contains, to continue it.
    ///
    /// # Errors
    /// If another process writes there, or nothing can be written there.
    pub fn unseen(target: &Path) -> Result<Claim, Refused> {
        let place = target_state::resolve(target).map_err(|error| refused(target, error.to_string()))?;
        let (lock, rule) = (lock_of(&place, target)?, Rule::default());
        Ok(Claim { target: place, shown: target.to_owned(), rule, lock, notes: Vec::new() })
    }
    /// The absolute path.
    #[must_use]
    pub fn place(&self) -> &Path {
        &self.target
    }
    /// The path as the user wrote it.
    #[must_use]
    pub fn shown(&self) -> &Path {
        &self.shown
    }
    /// Notes that a hidden file or directory will be made.
    ///
    /// # Errors
    /// If that cannot be written.
    pub fn note(&self, hidden: &Path) -> io::Result<()> {
        self.lock.note(hidden)
    }
}

fn lock_of(place: &Path, shown: &Path) -> Result<Lock, Refused> {
    Lock::of(place).map_err(|locked| match locked {
        Locked::Busy(process) => {
            let who = process.map_or_else(String::new, |process| format!(" ({process})"));
            let why = format!("another process{who} writes there; wait for it, or choose another place with --out");
            refused(shown, why)
        }
        Locked::Failed(error) => refused(shown, error.to_string()),
    })
}

fn refused(path: &Path, why: String) -> Refused {
    Refused { path: path.display().to_string(), why }
}

/// A path relative to the working directory, if it is below.
fn relative(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).display().to_string()
}

impl Rule {
    /// Whether the content of a target may be replaced; if not, why, as the end of "it ...".
    fn judge(&self, found: &TargetState) -> Result<(), String> {
        let contents = match found {
            TargetState::Free => return Ok(()),
            TargetState::Foreign(why) => return Err(why.clone()),
            TargetState::Ours(contents) => contents,
        };
        if self.force {
            return Ok(());
        }
        let record = &contents.sealed.record;
        let kind = record["kind"].as_str().unwrap_or_default();
        let is_of_same = record["scenario_sha256"] == *self.scenario_sha256;
        if self.kinds.is_empty() && is_of_same && kind.starts_with("search") {
            return Err(format!("holds {}; --resume goes on with it, --force replaces it", contents.description()));
        }
        let is_same = is_of_same && self.kinds.contains(&kind);
        match contents.changed().next() {
            _ if !is_same => Err(format!("holds {}; --force replaces that", contents.description())),
            Some(changed) => {
                Err(format!("holds {changed}, which was changed since it was written; --force replaces it"))
            }
            None => Ok(()),
        }
    }
}

/// Creates a file; tests replace it.
type Create = fn(&Path) -> io::Result<File>;

/// A hidden directory that is removed when this is dropped, unless it was renamed.
#[derive(Debug)]
struct Hidden(PathBuf);

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A directory that is being written. It is removed when it is dropped before it is committed.
#[derive(Debug)]
pub struct OutputDir {
    // Dropped before the claim, so that it is removed while the lock is held.
    hidden: Hidden,
    claim: Option<Claim>,
    /// Its path in the end.
    target: PathBuf,
    /// That path as the user knows it; it differs from `target` within a directory that is not committed.
    shown: PathBuf,
    create: Create,
    /// The SHA-256 of each file.
    files: Mutex<BTreeMap<String, String>>,
}

/// A directory that was committed.
#[derive(Debug)]
pub struct Committed {
    /// Its path.
    pub place: PathBuf,
    /// A description of results that it replaced, if they were of another experiment or partly could not be removed.
    pub replaced: Option<String>,
}

impl Committed {
    /// A directory that replaced nothing.
    #[must_use]
    pub fn beside(place: PathBuf) -> Committed {
        Committed { place, replaced: None }
    }
}

/// Whether a directory could be moved to its target.
enum Replacement {
    /// It could. Describes what it replaced, if the user should know.
    Done(Option<String>),
    /// The content of the target may not be replaced.
    Refused,
}

impl OutputDir {
    /// Begins a directory that will be at `target`, or beside it if that is not free. Parents are made as needed.
    ///
    /// # Errors
    /// If nothing can be written there.
    pub fn create(target: &Path) -> Result<OutputDir, WriteError> {
        let absolute = target_state::resolve(target).map_err(|cause| WriteError::new(target, cause))?;
        OutputDir::make(absolute, target.to_owned(), None, |path| File::create(path))
    }
    /// Begins a directory that will be at a target that was claimed.
    ///
    /// # Errors
    /// If nothing can be written there.
    pub fn create_claimed(claim: Claim) -> Result<OutputDir, WriteError> {
        OutputDir::create_with(claim, |path| File::create(path))
    }
    fn create_with(claim: Claim, create: Create) -> Result<OutputDir, WriteError> {
        let (target, shown) = (claim.target.clone(), claim.shown.clone());
        for hidden in [lock::making(&target), lock::replaced(&target)] {
            claim.note(&hidden).map_err(|cause| WriteError::new(&shown, cause))?;
        }
        OutputDir::make(target, shown, Some(claim), create)
    }
    fn make(target: PathBuf, shown: PathBuf, claim: Option<Claim>, create: Create) -> Result<OutputDir, WriteError> {
        let hidden = lock::making(&target);
        let made = || -> io::Result<()> {
            let unnamed = || io::Error::new(io::ErrorKind::InvalidInput, "this is not a name for a folder");
            fs::create_dir_all(hidden.parent().filter(|_| target.file_name().is_some()).ok_or_else(unnamed)?)?;
            fs::create_dir(&hidden)
        };
        made().map_err(|cause| WriteError::new(&shown, cause))?;
        Ok(OutputDir { hidden: Hidden(hidden), claim, target, shown, create, files: Mutex::default() })
    }
    /// Begins a directory within this one.
    ///
    /// # Errors
    /// If nothing can be written there.
    pub fn subdir(&self, name: &str) -> Result<OutputDir, WriteError> {
        let (target, shown) = (self.within(name)?, self.shown.join(name));
        OutputDir::make(target, shown, None, self.create)
    }
    /// The path of something in this directory.
    fn within(&self, name: &str) -> Result<PathBuf, WriteError> {
        if target_state::is_below(name) {
            return Ok(self.hidden.0.join(name));
        }
        let outside =
            io::Error::new(io::ErrorKind::InvalidInput, format!("\"{name}\" is no name for a part of results"));
        Err(WriteError::new(&self.shown.join(name), outside))
    }
    /// Writes the file `name`, which may be in a subdirectory.
    ///
    /// # Errors
    /// Names the file and the cause.
    pub fn file(&self, name: &str, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), WriteError> {
        let path = self.within(name)?;
        let written = || -> io::Result<String> {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            let mut out = Hashing { out: BufWriter::new((self.create)(&path)?), sha: Sha256::new() };
            write(&mut out)?;
            out.out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
            Ok(hex(out.sha))
        };
        let hash = written().map_err(|cause| WriteError::new(&self.shown.join(name), cause))?;
        self.files().insert(name.to_owned(), hash);
        Ok(())
    }
    /// Lists a file that was written otherwise: the manifest of a subdirectory. Does nothing if there is no such file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn adopt(&self, name: &str) -> Result<(), WriteError> {
        let path = self.within(name)?;
        match target_state::hash(&path) {
            Ok(hash) => {
                self.files().insert(name.to_owned(), hash);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(WriteError::new(&self.shown.join(name), error)),
        }
    }
    /// Writes the manifest. It lists all other files and is written last: a directory that has one is complete.
    ///
    /// # Errors
    /// If it could not be written.
    pub fn seal<T: Serialize>(&self, record: &T) -> Result<(), WriteError> {
        let text = Sealed::text(record, &self.files(), &[]);
        self.file(MANIFEST, |out| out.write_all(text.as_bytes()))
    }
    /// The SHA-256 of each file so far, by its path.
    #[must_use]
    pub fn listed(&self) -> BTreeMap<String, String> {
        self.files().clone()
    }
    fn files(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Moves the directory to its target. Earlier content is replaced if that is allowed; else the directory goes beside.
    ///
    /// # Errors
    /// If it cannot be moved there; the earlier content is restored.
    pub fn commit(self) -> Result<Committed, WriteError> {
        match self.replace() {
            Ok(Replacement::Done(replaced)) => Ok(Committed { place: self.shown.clone(), replaced }),
            Ok(Replacement::Refused) => self.commit_with_suffix("").map(Committed::beside),
            Err(cause) => Err(WriteError::new(&self.shown, cause)),
        }
    }
    /// Moves the directory to its target if the earlier content may be replaced.
    fn replace(&self) -> io::Result<Replacement> {
        let target = &self.target;
        if matches!(TargetState::read(target)?, TargetState::Free) {
            self.put(target)?;
            return Ok(Replacement::Done(None));
        }
        let Some(claim) = &self.claim else { return Ok(Replacement::Refused) };
        if claim.rule.judge(&TargetState::read(target)?).is_err() {
            return Ok(Replacement::Refused);
        }
        // No process writes into it once it is moved aside: only now its content is checked for certain.
        let aside = lock::replaced(target);
        fs::rename(target, &aside)?;
        let back = |error: io::Error| fs::rename(&aside, target).map_or_else(|worse| worse, |()| error);
        let earlier = match TargetState::read(&aside).map_err(back)? {
            found if claim.rule.judge(&found).is_err() => {
                fs::rename(&aside, target)?;
                return Ok(Replacement::Refused);
            }
            found => found,
        };
        self.put(target).map_err(back)?;
        let TargetState::Ours(contents) = &earlier else { return Ok(Replacement::Done(None)) };
        let replaced = contents.description();
        let is_same = Rule { force: false, ..claim.rule.clone() }.judge(&earlier).is_ok();
        Ok(Replacement::Done(match contents.remove(&aside) {
            Ok(()) => Some(replaced).filter(|_| !is_same),
            Err(error) => Some(format!("{replaced}; some of it stays in {}: {error}", aside.display())),
        }))
    }
    /// Moves the directory to its target if that is free, else beside it under its name with `suffix`, and a number if
    /// necessary. Nothing is replaced. Returns the path.
    ///
    /// # Errors
    /// If it cannot be moved there.
    ///
    /// # Panics
    /// Never: some number is free.
    pub fn commit_with_suffix(self, suffix: &str) -> Result<PathBuf, WriteError> {
        let named = |path: &Path, number: u32| match number {
            0 => path.to_owned(),
            1 => with_suffix(path, suffix),
            _ => with_suffix(path, &format!("{suffix}-{number}")),
        };
        for number in 0..=u32::MAX {
            let (target, shown) = (named(&self.target, number), named(&self.shown, number));
            if !matches!(TargetState::read(&target), Ok(TargetState::Free)) {
                continue;
            }
            return match self.put(&target) {
                Ok(()) => Ok(shown),
                // Another process took the name meanwhile.
                Err(_) if !matches!(TargetState::read(&target), Ok(TargetState::Free)) => continue,
                Err(cause) => Err(WriteError::new(&shown, cause)),
            };
        }
        unreachable!("some number is free")
    }
    /// Renames the directory to a path where there is nothing, or an empty directory.
    fn put(&self, target: &Path) -> io::Result<()> {
        // Some systems cannot rename onto an empty directory.
        let _ = fs::remove_dir(target);
        fs::rename(&self.hidden.0, target)
    }
}

/// Computes the SHA-256 of the bytes written.
struct Hashing<W> {
    out: W,
    sha: Sha256,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.out.write(bytes)?;
        self.sha.update(&bytes[..taken]);
        Ok(taken)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn hex(sha: Sha256) -> String {
    sha.finalize().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(scenario: &str) -> Rule {
        Rule { scenario_sha256: scenario.to_owned(), kinds: &["run"], force: false, beside: false }
    }
    fn claimed(target: &Path, rule: &Rule) -> OutputDir {
        OutputDir::create_claimed(Claim::on(target, rule).unwrap()).unwrap()
    }
    fn fill(folder: &OutputDir, text: &str) {
        folder.file("inner/text", |out| out.write_all(text.as_bytes())).unwrap();
        let (program, format) = (crate::report::PROGRAM, crate::report::manifest::FORMAT);
        let record = serde_json::json!({
            "kind": "run", "name": "small", "seed": 1, "program": program, "format": format, "scenario_sha256": "same",
        });
        folder.seal(&record).unwrap();
    }

    fn names(path: &Path) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<String> = fs::read_dir(path).unwrap().map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn a_directory_appears_when_it_is_committed_and_replaces_results_of_the_same_experiment() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("deep/run");
        for text in ["first", "second"] {
            let folder = claimed(&target, &rule("same"));
            fill(&folder, text);
            assert_ne!(fs::read_to_string(target.join("inner/text")).ok().as_deref(), Some(text), "not there yet");
            let landed = folder.commit().unwrap();
            assert_eq!((landed.place, landed.replaced), (target.clone(), None));
            assert_eq!(fs::read_to_string(target.join("inner/text")).unwrap(), text);
            assert_eq!(names(&home.path().join("deep")), ["run"], "nothing is left behind");
        }
    }

    #[test]
    fn another_experiment_is_refused_or_goes_beside_and_force_says_what_it_replaces() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("run");
        let first = claimed(&target, &rule("same"));
        fill(&first, "first");
        first.commit().unwrap();
        let refused = Claim::on(&target, &rule("other")).unwrap_err().to_string();
        assert!(
            refused.contains("it holds the run of \"small\" under seed 1, 2 files; --force replaces that"),
            "{refused}"
        );
        let beside = Claim::on(&target, &Rule { beside: true, ..rule("other") }).unwrap();
        assert_eq!(beside.shown(), home.path().join("run-2"));
        assert_eq!(beside.notes.len(), 2, "{:?}", beside.notes);
        drop(beside);
        let forced = claimed(&target, &Rule { force: true, ..rule("other") });
        fill(&forced, "forced");
        assert_eq!(forced.commit().unwrap().replaced.as_deref(), Some("the run of \"small\" under seed 1, 2 files"));
        assert_eq!(names(home.path()), ["run"]);
    }

    #[test]
    fn what_this_program_did_not_write_is_never_removed_even_if_it_came_during_the_run() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("run");
        let first = claimed(&target, &rule("same"));
        fill(&first, "first");
        first.commit().unwrap();
        let second = claimed(&target, &Rule { force: true, ..rule("same") });
        fs::create_dir(target.join("nested")).unwrap();
        fs::write(target.join("nested/letter"), "dear").unwrap();
        fill(&second, "second");
        assert_eq!(second.commit().unwrap().place, home.path().join("run-2"));
        assert_eq!(fs::read_to_string(target.join("inner/text")).unwrap(), "first");
        let refused = Claim::on(&target, &Rule { force: true, ..rule("same") }).unwrap_err().to_string();
        assert!(refused.contains("it holds nested, which this program did not write"), "{refused}");
        fs::remove_dir_all(target.join("nested")).unwrap();
        fs::write(target.join("inner/text"), "my remarks").unwrap();
        let refused = Claim::on(&target, &rule("same")).unwrap_err().to_string();
        assert!(refused.contains("it holds inner/text, which was changed since it was written"), "{refused}");
        assert_eq!(fs::read_to_string(target.join("inner/text")).unwrap(), "my remarks");
    }

    #[test]
    fn a_forged_manifest_owns_nothing() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("letters");
        fs::create_dir(&target).unwrap();
        fs::write(target.join("letter"), "dear").unwrap();
        let program = crate::report::PROGRAM;
        for manifest in
            [format!("{{\"program\": \"{program}\"}}"), format!("{{\"program\": \"{program}\", \"format\": 2}}")]
        {
            fs::write(target.join(MANIFEST), manifest).unwrap();
            Claim::on(&target, &Rule { force: true, ..rule("same") }).unwrap_err();
        }
        assert_eq!(names(&target), ["letter", MANIFEST]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_and_stays() {
        let home = tempfile::tempdir().unwrap();
        let (real, link) = (home.path().join("real"), home.path().join("link"));
        fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        for text in ["first", "second"] {
            let folder = claimed(&link, &rule("same"));
            fill(&folder, text);
            assert_eq!(folder.commit().unwrap().place, link);
            assert_eq!(fs::read_to_string(real.join("inner/text")).unwrap(), text);
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        }
        fs::remove_dir_all(&real).unwrap();
        let refused = Claim::on(&link, &rule("same")).unwrap_err().to_string();
        assert!(refused.ends_with("it is a link that leads nowhere"), "{refused}");
        // A link within results could lead anywhere.
        let target = home.path().join("run");
        let folder = claimed(&target, &rule("same"));
        fill(&folder, "text");
        folder.commit().unwrap();
        fs::remove_file(target.join("inner/text")).unwrap();
        std::os::unix::fs::symlink(home.path(), target.join("inner/text")).unwrap();
        Claim::on(&target, &Rule { force: true, ..rule("same") }).unwrap_err();
    }

    #[test]
    fn nothing_is_written_outside() {
        let home = tempfile::tempdir().unwrap();
        let folder = OutputDir::create(&home.path().join("run")).unwrap();
        for name in ["../x", "/x", "a/../../x", "", ".", "a//b", "a\\b", ".hidden"] {
            assert!(folder.file(name, |_| Ok(())).is_err(), "{name}");
            assert!(folder.subdir(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_directory_that_is_not_committed_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        let folder = claimed(&home.path().join("run"), &rule("same"));
        fill(&folder, "text");
        drop(folder);
        assert!(names(home.path()).is_empty());
    }

    #[test]
    fn a_directory_committed_with_a_suffix_replaces_nothing() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("run");
        for (number, place) in ["run", "run-interrupted", "run-interrupted-2"].into_iter().enumerate() {
            let folder = OutputDir::create(&target).unwrap();
            fill(&folder, &number.to_string());
            assert_eq!(folder.commit_with_suffix("-interrupted").unwrap(), home.path().join(place));
        }
        assert_eq!(fs::read_to_string(target.join("inner/text")).unwrap(), "0");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_reported_with_the_file_and_leaves_earlier_results() {
        let full: Create = |path| {
            if path.ends_with("blocks.csv") {
                File::options().write(true).open("/dev/full")
            } else {
                File::create(path)
            }
        };
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("run");
        let earlier = claimed(&target, &rule("same"));
        fill(&earlier, "earlier");
        earlier.commit().unwrap();
        let folder = OutputDir::create_with(Claim::on(&target, &rule("same")).unwrap(), full).unwrap();
        fill(&folder, "later");
        let error = folder.file("blocks.csv", |out| out.write_all(&vec![b'x'; 100_000])).unwrap_err();
        let path = target.join("blocks.csv");
        let message = format!("{:#}", anyhow::Error::from(error));
        assert_eq!(message, format!("cannot write {}: No space left on device (os error 28)", path.display()));
        drop(folder);
        assert_eq!(names(home.path()), ["run"]);
        assert_eq!(fs::read_to_string(target.join("inner/text")).unwrap(), "earlier");
    }

    #[test]
    fn what_is_not_ours_is_foreign() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("place");
        assert!(matches!(TargetState::read(&path).unwrap(), TargetState::Free));
        fs::create_dir(&path).unwrap();
        assert!(matches!(TargetState::read(&path).unwrap(), TargetState::Free));
        fs::write(path.join("letter.txt"), "dear").unwrap();
        assert!(matches!(TargetState::read(&path).unwrap(), TargetState::Foreign(_)));
        fs::write(path.join(MANIFEST), "{\"program\": \"another\"}").unwrap();
        assert!(matches!(TargetState::read(&path).unwrap(), TargetState::Foreign(_)));
        assert!(matches!(TargetState::read(&path.join("letter.txt")).unwrap(), TargetState::Foreign(_)));
        assert!(OutputDir::create(&path.join("letter.txt/run")).is_err());
    }

    #[test]
    fn a_subdirectory_is_reported_by_its_path_in_the_end() {
        let home = tempfile::tempdir().unwrap();
        let whole = OutputDir::create(&home.path().join("runs")).unwrap();
        let part = whole.subdir("seed-1").unwrap();
        fill(&part, "one");
        let place = part.commit().unwrap().place;
        assert_eq!(place, home.path().join("runs/seed-1"));
        whole.adopt("seed-1/manifest.json").unwrap();
        fill(&whole, "all");
        whole.commit().unwrap();
        assert_eq!(names(&home.path().join("runs")), ["inner", MANIFEST, "seed-1"]);
        let TargetState::Ours(contents) = TargetState::read(&home.path().join("runs")).unwrap() else { panic!("ours") };
        assert_eq!(contents.files.len(), 4, "parts are listed by their own manifests");
    }
}
