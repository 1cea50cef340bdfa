//! What stands at a place where results shall go, and whose it is.
//!
//! Results are ours file by file: `manifest.json` lists each file with its SHA-256, and holds its own. Only what is listed
//! is ever removed. A folder in which anything else lies is not replaced.

use super::manifest::{Broken, MANIFEST, Sealed};
use crate::base::Hash;
use crate::scenario::name;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// Results within results are this deep at most.
const DEEPEST: usize = 8;

/// What stands at a place.
#[derive(Debug)]
pub enum Place {
    /// Nothing, or an empty folder.
    Free,
    /// Results, and nothing else.
    Ours(Box<Contents>),
    /// Something else, as the end of "it ...".
    Foreign(String),
}

/// What lies in a folder of results.
#[derive(Debug)]
pub struct Contents {
    /// Its manifest.
    pub sealed: Sealed,
    /// The files that it lists, those of its parts and their manifests included, by their path in it.
    pub files: BTreeMap<String, Condition>,
    /// What lies in it besides, by its path.
    pub strange: Vec<String>,
    /// The folders in it that have a manifest of their own which cannot be read, and why.
    pub unread: BTreeMap<String, Broken>,
}

/// How a file that is listed was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Condition {
    /// As it was written, with this SHA-256.
    Whole(String),
    /// With this SHA-256 instead of that which was written.
    Changed(String),
    /// Not at all, or not to be read.
    Missing,
}

impl Place {
    /// Looks at `path`, at which no link stands.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn of(path: &Path) -> io::Result<Place> {
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Place::Free),
            Err(error) => return Err(error),
            Ok(found) if !found.is_dir() => return Ok(Place::Foreign("is no folder".to_owned())),
            Ok(_) => {}
        }
        if fs::read_dir(path)?.next().is_none() {
            return Ok(Place::Free);
        }
        let contents = match Contents::of(path) {
            Ok(contents) => contents,
            Err(Broken::Missing(_)) => {
                return Ok(Place::Foreign("is not empty and holds no earlier results".to_owned()));
            }
            Err(broken) => return Ok(Place::Foreign(format!("holds a {MANIFEST} that {broken}"))),
        };
        if let Some(strange) = contents.strange.first() {
            let more = match contents.strange.len() {
                1 => String::new(),
                many => format!(" and {} more", many - 1),
            };
            return Ok(Place::Foreign(format!("holds {strange}{more}, which this program did not write")));
        }
        Ok(Place::Ours(Box::new(contents)))
    }
}

/// Where `target` leads: a link is followed, so that it is never replaced.
///
/// # Errors
/// If it leads nowhere.
pub fn resolve(target: &Path) -> io::Result<PathBuf> {
    let absolute = std::path::absolute(target)?;
    match fs::symlink_metadata(&absolute) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(absolute),
        Err(error) => Err(error),
        Ok(found) if found.is_symlink() => {
            fs::canonicalize(&absolute).map_err(|error| io::Error::new(error.kind(), "it is a link that leads nowhere"))
        }
        Ok(_) => Ok(absolute),
    }
}

impl Contents {
    /// Looks at everything in `folder`.
    ///
    /// # Errors
    /// If it has no manifest that can be read.
    pub fn of(folder: &Path) -> Result<Contents, Broken> {
        let sealed = Sealed::read(folder)?;
        let mut contents =
            Contents { sealed: sealed.clone(), files: BTreeMap::new(), strange: Vec::new(), unread: BTreeMap::new() };
        contents.files.insert(MANIFEST.to_owned(), condition(&sealed));
        contents.list(folder, "", &sealed, 0);
        contents.strange = contents.unlisted(folder);
        Ok(contents)
    }
    /// Files that were changed since they were written.
    pub fn changed(&self) -> impl Iterator<Item = &str> {
        self.files.iter().filter(|(_, found)| matches!(found, Condition::Changed(_))).map(|(path, _)| path.as_str())
    }
    /// The files that the manifest of `within` lists, and those of its parts.
    fn list(&mut self, root: &Path, within: &str, sealed: &Sealed, depth: usize) {
        for (file, sha256) in &sealed.files {
            if !is_below(file) {
                continue;
            }
            let path = format!("{within}{file}");
            let found = match hash(&root.join(&path)) {
                Ok(found) if found == *sha256 => Condition::Whole(found),
                Ok(found) => Condition::Changed(found),
                Err(_) => Condition::Missing,
            };
            self.files.insert(path, found);
        }
        let listed = sealed.files.keys().filter_map(|file| file.strip_suffix(MANIFEST)?.strip_suffix('/'));
        let parts: BTreeSet<&str> = listed.chain(sealed.parts.iter().map(String::as_str)).collect();
        for part in parts.into_iter().filter(|part| is_below(part) && depth < DEEPEST) {
            let (inner, manifest) = (format!("{within}{part}/"), format!("{within}{part}/{MANIFEST}"));
            match Sealed::read(&root.join(&inner)) {
                Ok(sealed) => {
                    self.files.entry(manifest).or_insert_with(|| condition(&sealed));
                    self.list(root, &inner, &sealed, depth + 1);
                }
                Err(Broken::Missing(_)) => {}
                Err(broken) => {
                    self.unread.insert(format!("{within}{part}"), broken);
                }
            }
        }
    }
    /// What lies in `root` and is in no list. Links are not followed.
    fn unlisted(&self, root: &Path) -> Vec<String> {
        let mut strange = Vec::new();
        let mut folders = vec![String::new()];
        while let Some(within) = folders.pop() {
            for entry in fs::read_dir(root.join(&within)).into_iter().flatten().flatten() {
                let path = format!("{within}{}", entry.file_name().to_string_lossy());
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                let leads_on = || {
                    self.files
                        .range(format!("{path}/")..)
                        .next()
                        .is_some_and(|(file, _)| file.starts_with(&format!("{path}/")))
                };
                if is_folder && leads_on() {
                    folders.push(format!("{path}/"));
                } else if is_folder
                    || !self.files.contains_key(&path)
                    || !entry.file_type().is_ok_and(|kind| kind.is_file())
                {
                    strange.push(path);
                }
            }
        }
        strange.sort();
        strange
    }
    /// What is replaced, for people.
    #[must_use]
    pub fn told(&self) -> String {
        let record = &self.sealed.record;
        let name = record["name"].as_str().unwrap_or_default();
        let of = match (record["kind"].as_str().unwrap_or_default(), &record["seed"]) {
            ("run", seed) => format!("the run of \"{name}\" under seed {seed}"),
            ("experiment", _) => format!("the runs of \"{name}\""),
            ("comparison", _) => format!("the variants of \"{name}\""),
            ("search" | "searches", _) => format!("a search of \"{name}\""),
            _ => format!("results of \"{name}\""),
        };
        let changed = self.changed().count();
        let changed = if changed == 0 { String::new() } else { format!(", {changed} of them changed since") };
        format!("{of}, {} files{changed}", self.files.len())
    }
    /// Removes the files that are listed from `folder`, where they lie, and folders that are empty then. Whatever else
    /// lies there stays.
    ///
    /// # Errors
    /// If something cannot be removed, or something stays.
    pub fn remove(&self, folder: &Path) -> io::Result<()> {
        let mut folders = BTreeSet::new();
        for file in self.files.keys() {
            match fs::remove_file(folder.join(file)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            folders.extend(Path::new(file).ancestors().skip(1).map(Path::to_owned));
        }
        // Those within come behind those around them.
        for inner in folders.iter().rev() {
            match fs::remove_dir(folder.join(inner)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

fn condition(sealed: &Sealed) -> Condition {
    let found = sealed.found.clone();
    if sealed.is_whole() { Condition::Whole(found) } else { Condition::Changed(found) }
}

/// Whether a path leads from a folder to something in it.
#[must_use]
pub fn is_below(path: &str) -> bool {
    path.split('/').all(name::is_plain)
}

/// The SHA-256 of an ordinary file.
///
/// # Errors
/// If it is none, or cannot be read.
pub fn hash(path: &Path) -> io::Result<String> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no ordinary file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.read_to_end(&mut bytes)?;
    Ok(Hash::of(&bytes).hex())
}
