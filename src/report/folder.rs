//! Folders that appear whole or not at all.
//!
//! A folder is written beside the place where it will stand, under a name that begins with a dot, and renamed when
//! everything is in it. Earlier results that it replaces are moved aside first and removed last, file by file as their
//! manifest lists them, so that at any instant either the old or the new folder can be found whole. What is not ours is
//! never touched, and nothing is written outside: what leads to a file are plain names.

use super::lock::{self, Lock, Locked};
use super::manifest::{MANIFEST, Sealed};
use super::place::{self, Place};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Something could not be written. The cause is its source.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}")]
pub struct WriteError {
    /// What: a file or a folder, at the place where it would have stood.
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

/// What may be replaced, and what happens where it may not.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    /// The hash of the scenario: results of the same one are replaced.
    pub scenario_sha256: String,
    /// Results of these kinds are replaced.
    pub kinds: &'static [&'static str],
    /// Whether results of any other experiment of ours are replaced too.
    pub force: bool,
    /// Whether to go beside what may not be replaced; else it is refused.
    pub beside: bool,
}

/// A place that this process alone writes to.
#[derive(Debug)]
pub struct Claim {
    target: PathBuf,
    shown: PathBuf,
    rule: Rule,
    lock: Lock,
    /// What people should know of how it was found.
    pub notes: Vec<String>,
}

/// Why a place cannot be had: a sentence about it.
#[derive(Debug, thiserror::Error)]
#[error("cannot write results to {path}: {why}")]
pub struct Refused {
    path: String,
    why: String,
}

impl Claim {
    /// Claims `target`, or a place beside it if `rule` says so.
    ///
    /// # Errors
    /// If what stands there may not be replaced, another process writes there, or nothing can be written there.
    ///
    /// # Panics
    /// Never: some number is free.
    pub fn on(target: &Path, rule: &Rule) -> Result<Claim, Refused> {
        let mut notes = Vec::new();
        let at = |path: &Path| -> Result<PathBuf, Refused> {
            place::resolve(path).map_err(|error| refused(path, error.to_string()))
        };
        for left in lock::clear_beside(&at(target)?) {
            notes.push(format!("removed {}, left behind by a process that was killed", relative(&left)));
        }
        for number in 1..=u32::MAX {
            let shown = if number == 1 { target.to_owned() } else { with_suffix(target, &format!("-{number}")) };
            let place = at(&shown)?;
            let lock = lock_of(&place, &shown)?;
            let found = Place::of(&place).map_err(|error| refused(&shown, error.to_string()))?;
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
    /// Claims `target`, whatever stands there: it is gone on with.
    ///
    /// # Errors
    /// If another process writes there, or nothing can be written there.
    pub fn unseen(target: &Path) -> Result<Claim, Refused> {
        let place = place::resolve(target).map_err(|error| refused(target, error.to_string()))?;
        let (lock, rule) = (lock_of(&place, target)?, Rule::default());
        Ok(Claim { target: place, shown: target.to_owned(), rule, lock, notes: Vec::new() })
    }
    /// Where it is.
    #[must_use]
    pub fn place(&self) -> &Path {
        &self.target
    }
    /// What people call it.
    #[must_use]
    pub fn shown(&self) -> &Path {
        &self.shown
    }
    /// Notes that something hidden is about to be made.
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

/// A path as people in this folder call it.
fn relative(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).display().to_string()
}

impl Rule {
    /// Whether what was found may give way; if not, why, as the end of "it ...".
    fn judge(&self, found: &Place) -> Result<(), String> {
        let contents = match found {
            Place::Free => return Ok(()),
            Place::Foreign(why) => return Err(why.clone()),
            Place::Ours(contents) => contents,
        };
        if self.force {
            return Ok(());
        }
        let record = &contents.sealed.record;
        let kind = record["kind"].as_str().unwrap_or_default();
        let is_of_same = record["scenario_sha256"] == *self.scenario_sha256;
        if self.kinds.is_empty() && is_of_same && kind.starts_with("search") {
            return Err(format!("holds {}; --resume goes on with it, --force replaces it", contents.told()));
        }
        let is_same = is_of_same && self.kinds.contains(&kind);
        match contents.changed().next() {
            _ if !is_same => Err(format!("holds {}; --force replaces that", contents.told())),
            Some(changed) => {
                Err(format!("holds {changed}, which was changed since it was written; --force replaces it"))
            }
            None => Ok(()),
        }
    }
}

/// Makes a file: the real thing, except in tests.
type Create = fn(&Path) -> io::Result<File>;

/// A hidden folder that disappears when it is dropped, unless it was renamed.
#[derive(Debug)]
struct Hidden(PathBuf);

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A folder in the making. Dropped before it has landed, it disappears.
#[derive(Debug)]
pub struct Folder {
    // Before the claim, so that it is gone when the lock is.
    hidden: Hidden,
    claim: Option<Claim>,
    /// Where it goes.
    target: PathBuf,
    /// What people call that place: differs from `target` for parts of a folder that is itself in the making.
    shown: PathBuf,
    create: Create,
    /// The SHA-256 of each file.
    files: Mutex<BTreeMap<String, String>>,
}

/// A folder in its place.
#[derive(Debug)]
pub struct Landed {
    /// The place.
    pub place: PathBuf,
    /// What of another experiment, or changed since, it replaced, for people.
    pub replaced: Option<String>,
}

impl Landed {
    /// A folder that replaced nothing.
    #[must_use]
    pub fn beside(place: PathBuf) -> Landed {
        Landed { place, replaced: None }
    }
}

/// Whether a folder could take its place.
enum Turn {
    /// It has it; what gave way for it, if that is worth a word.
    Taken(Option<String>),
    /// What stands there may not give way.
    Refused,
}

impl Folder {
    /// Begins the folder that will stand at `target`, or beside it if something stands there. Parents are made as needed.
    ///
    /// # Errors
    /// If nothing can be written there.
    pub fn begin(target: &Path) -> Result<Folder, WriteError> {
        let absolute = place::resolve(target).map_err(|cause| WriteError::new(target, cause))?;
        Folder::make(absolute, target.to_owned(), None, |path| File::create(path))
    }
    /// Begins the folder that will stand at a place that was claimed.
    ///
    /// # Errors
    /// If nothing can be written there.
    pub fn begin_at(claim: Claim) -> Result<Folder, WriteError> {
        Folder::begin_with(claim, |path| File::create(path))
    }
    fn begin_with(claim: Claim, create: Create) -> Result<Folder, WriteError> {
        let (target, shown) = (claim.target.clone(), claim.shown.clone());
        for hidden in [lock::making(&target), lock::replaced(&target)] {
            claim.note(&hidden).map_err(|cause| WriteError::new(&shown, cause))?;
        }
        Folder::make(target, shown, Some(claim), create)
    }
    fn make(target: PathBuf, shown: PathBuf, claim: Option<Claim>, create: Create) -> Result<Folder, WriteError> {
        let hidden = lock::making(&target);
        let made = || -> io::Result<()> {
            let unnamed = || io::Error::new(io::ErrorKind::InvalidInput, "this is not a name for a folder");
            fs::create_dir_all(hidden.parent().filter(|_| target.file_name().is_some()).ok_or_else(unnamed)?)?;
            fs::create_dir(&hidden)
        };
        made().map_err(|cause| WriteError::new(&shown, cause))?;
        Ok(Folder { hidden: Hidden(hidden), claim, target, shown, create, files: Mutex::default() })
    }
    /// Begins a folder within this one.
    ///
    /// # Errors
    /// If nothing can be written there.
    pub fn part(&self, name: &str) -> Result<Folder, WriteError> {
        let (target, shown) = (self.within(name)?, self.shown.join(name));
        Folder::make(target, shown, None, self.create)
    }
    /// The place of something in this folder.
    fn within(&self, name: &str) -> Result<PathBuf, WriteError> {
        if place::is_below(name) {
            return Ok(self.hidden.0.join(name));
        }
        let outside =
            io::Error::new(io::ErrorKind::InvalidInput, format!("\"{name}\" is no name for a part of results"));
        Err(WriteError::new(&self.shown.join(name), outside))
    }
    /// Writes the file called `name`, which may lie in a sub-folder.
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
    /// Lists a file that was put here otherwise: the manifest of a part. Nothing happens if it is not there.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn adopt(&self, name: &str) -> Result<(), WriteError> {
        let path = self.within(name)?;
        match place::hash(&path) {
            Ok(hash) => {
                self.files().insert(name.to_owned(), hash);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(WriteError::new(&self.shown.join(name), error)),
        }
    }
    /// Writes the manifest, last of all files: it lists all, and a folder that has one is whole.
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
    /// Puts the folder in its place. What stands there is replaced if that may be, else it goes beside.
    ///
    /// # Errors
    /// If it cannot be put there; what stood there stands again.
    pub fn land(self) -> Result<Landed, WriteError> {
        match self.replace() {
            Ok(Turn::Taken(replaced)) => Ok(Landed { place: self.shown.clone(), replaced }),
            Ok(Turn::Refused) => self.land_beside("").map(Landed::beside),
            Err(cause) => Err(WriteError::new(&self.shown, cause)),
        }
    }
    /// Puts the folder in its place if what stands there may give way.
    fn replace(&self) -> io::Result<Turn> {
        let target = &self.target;
        if matches!(Place::of(target)?, Place::Free) {
            self.put(target)?;
            return Ok(Turn::Taken(None));
        }
        let Some(claim) = &self.claim else { return Ok(Turn::Refused) };
        if claim.rule.judge(&Place::of(target)?).is_err() {
            return Ok(Turn::Refused);
        }
        // Nobody puts anything in it any more when it is aside, and it is looked at once more.
        let aside = lock::replaced(target);
        fs::rename(target, &aside)?;
        let back = |error: io::Error| fs::rename(&aside, target).map_or_else(|worse| worse, |()| error);
        let earlier = match Place::of(&aside).map_err(back)? {
            found if claim.rule.judge(&found).is_err() => {
                fs::rename(&aside, target)?;
                return Ok(Turn::Refused);
            }
            found => found,
        };
        self.put(target).map_err(back)?;
        let Place::Ours(contents) = &earlier else { return Ok(Turn::Taken(None)) };
        let told = contents.told();
        let is_same = Rule { force: false, ..claim.rule.clone() }.judge(&earlier).is_ok();
        Ok(Turn::Taken(match contents.remove(&aside) {
            Ok(()) => Some(told).filter(|_| !is_same),
            Err(error) => Some(format!("{told}; some of it stays in {}: {error}", aside.display())),
        }))
    }
    /// Puts the folder in its place if that is free, else beside it under its name with `suffix`, and if need be a
    /// number: nothing is replaced. Returns the place.
    ///
    /// # Errors
    /// If it cannot be put there.
    ///
    /// # Panics
    /// Never: some number is free.
    pub fn land_beside(self, suffix: &str) -> Result<PathBuf, WriteError> {
        let named = |path: &Path, number: u32| match number {
            0 => path.to_owned(),
            1 => with_suffix(path, suffix),
            _ => with_suffix(path, &format!("{suffix}-{number}")),
        };
        for number in 0..=u32::MAX {
            let (target, shown) = (named(&self.target, number), named(&self.shown, number));
            if !matches!(Place::of(&target), Ok(Place::Free)) {
                continue;
            }
            return match self.put(&target) {
                Ok(()) => Ok(shown),
                // Somebody was faster.
                Err(_) if !matches!(Place::of(&target), Ok(Place::Free)) => continue,
                Err(cause) => Err(WriteError::new(&shown, cause)),
            };
        }
        unreachable!("some number is free")
    }
    /// Renames the folder to a place where nothing stands, or an empty folder.
    fn put(&self, target: &Path) -> io::Result<()> {
        // On some systems nothing can be renamed onto an empty folder.
        let _ = fs::remove_dir(target);
        fs::rename(&self.hidden.0, target)
    }
}

/// Computes the SHA-256 of what goes through.
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
    fn claimed(target: &Path, rule: &Rule) -> Folder {
        Folder::begin_at(Claim::on(target, rule).unwrap()).unwrap()
    }
    fn fill(folder: &Folder, text: &str) {
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
    fn a_folder_appears_when_it_lands_and_replaces_results_of_the_same_experiment() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("deep/run");
        for text in ["first", "second"] {
            let folder = claimed(&target, &rule("same"));
            fill(&folder, text);
            assert_ne!(fs::read_to_string(target.join("inner/text")).ok().as_deref(), Some(text), "not there yet");
            let landed = folder.land().unwrap();
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
        first.land().unwrap();
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
        assert_eq!(forced.land().unwrap().replaced.as_deref(), Some("the run of \"small\" under seed 1, 2 files"));
        assert_eq!(names(home.path()), ["run"]);
    }

    #[test]
    fn what_this_program_did_not_write_is_never_removed_even_if_it_came_during_the_run() {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("run");
        let first = claimed(&target, &rule("same"));
        fill(&first, "first");
        first.land().unwrap();
        let second = claimed(&target, &Rule { force: true, ..rule("same") });
        fs::create_dir(target.join("nested")).unwrap();
        fs::write(target.join("nested/letter"), "dear").unwrap();
        fill(&second, "second");
        assert_eq!(second.land().unwrap().place, home.path().join("run-2"));
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
            assert_eq!(folder.land().unwrap().place, link);
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
        folder.land().unwrap();
        fs::remove_file(target.join("inner/text")).unwrap();
        std::os::unix::fs::symlink(home.path(), target.join("inner/text")).unwrap();
        Claim::on(&target, &Rule { force: true, ..rule("same") }).unwrap_err();
    }

    #[test]
    fn nothing_is_written_outside() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::begin(&home.path().join("run")).unwrap();
        for name in ["../x", "/x", "a/../../x", "", ".", "a//b", "a\\b", ".hidden"] {
            assert!(folder.file(name, |_| Ok(())).is_err(), "{name}");
            assert!(folder.part(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_folder_that_never_lands_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        let folder = claimed(&home.path().join("run"), &rule("same"));
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
        let earlier = claimed(&target, &rule("same"));
        fill(&earlier, "earlier");
        earlier.land().unwrap();
        let folder = Folder::begin_with(Claim::on(&target, &rule("same")).unwrap(), full).unwrap();
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
        assert!(matches!(Place::of(&path).unwrap(), Place::Free));
        fs::create_dir(&path).unwrap();
        assert!(matches!(Place::of(&path).unwrap(), Place::Free));
        fs::write(path.join("letter.txt"), "dear").unwrap();
        assert!(matches!(Place::of(&path).unwrap(), Place::Foreign(_)));
        fs::write(path.join(MANIFEST), "{\"program\": \"another\"}").unwrap();
        assert!(matches!(Place::of(&path).unwrap(), Place::Foreign(_)));
        assert!(matches!(Place::of(&path.join("letter.txt")).unwrap(), Place::Foreign(_)));
        assert!(Folder::begin(&path.join("letter.txt/run")).is_err());
    }

    #[test]
    fn a_part_is_called_by_the_place_where_it_will_stand() {
        let home = tempfile::tempdir().unwrap();
        let whole = Folder::begin(&home.path().join("runs")).unwrap();
        let part = whole.part("seed-1").unwrap();
        fill(&part, "one");
        let place = part.land().unwrap().place;
        assert_eq!(place, home.path().join("runs/seed-1"));
        whole.adopt("seed-1/manifest.json").unwrap();
        fill(&whole, "all");
        whole.land().unwrap();
        assert_eq!(names(&home.path().join("runs")), ["inner", MANIFEST, "seed-1"]);
        let Place::Ours(contents) = Place::of(&home.path().join("runs")).unwrap() else { panic!("ours") };
        assert_eq!(contents.files.len(), 4, "parts are listed by their own manifests");
    }
}
