//! The content of a target directory, and whether this program wrote it.
//!
//! `manifest.json` lists each file of results with its SHA-256, and holds its own hash. Only listed files are ever removed. A
//! directory with any other file is not replaced.

use super::manifest::{Broken, MANIFEST, Sealed};
use crate::base::Hash;
use crate::scenario::name;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// Greatest depth of results within results.
const DEPTH_MAX: usize = 8;

/// The state of a target.
#[derive(Debug)]
pub enum TargetState {
    /// Nothing, or an empty directory.
    Free,
    /// Results of this program, and nothing else.
    Ours(Box<Contents>),
    /// Anything else; the reason as the end of "it ...".
    Foreign(String),
}

/// The content of a directory of results.
#[derive(Debug)]
pub struct Contents {
    /// Its manifest.
    pub sealed: Sealed,
    /// The files that it lists, by their path in it; those of its parts and their manifests included.
    pub files: BTreeMap<String, Condition>,
    /// Other files and directories in it, by their path.
    pub unlisted: Vec<String>,
    /// The directories in it whose own manifest cannot be read, and why.
    pub unread: BTreeMap<String, Broken>,
}

/// The state of a listed file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Condition {
    /// Unchanged, with this SHA-256.
    Whole(String),
    /// Changed: it has this SHA-256 instead of the one listed.
    Changed(String),
    /// It is missing or cannot be read.
    Missing,
}

impl TargetState {
    /// Reads the state of `path`, which must not be a link.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(path: &Path) -> io::Result<TargetState> {
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(TargetState::Free),
            Err(error) => return Err(error),
            Ok(found) if !found.is_dir() => return Ok(TargetState::Foreign("is no folder".to_owned())),
            Ok(_) => {}
        }
        if fs::read_dir(path)?.next().is_none() {
            return Ok(TargetState::Free);
        }
        let contents = match Contents::read(path) {
            Ok(contents) => contents,
            Err(Broken::Missing(_)) => {
                return Ok(TargetState::Foreign("is not empty and holds no earlier results".to_owned()));
            }
            Err(broken) => return Ok(TargetState::Foreign(format!("holds a {MANIFEST} that {broken}"))),
        };
        if let Some(first) = contents.unlisted.first() {
            let more = match contents.unlisted.len() {
                1 => String::new(),
                many => format!(" and {} more", many - 1),
            };
            return Ok(TargetState::Foreign(format!("holds {first}{more}, which this program did not write")));
        }
        Ok(TargetState::Ours(Box::new(contents)))
    }
}

/// The absolute path of `target`. A link is followed, so that it is never replaced.
///
/// # Errors
/// If it is a link whose target does not exist.
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
    /// Reads the content of a directory of results.
    ///
    /// # Errors
    /// If it has no manifest that can be read.
    pub fn read(folder: &Path) -> Result<Contents, Broken> {
        let sealed = Sealed::read(folder)?;
        let mut contents =
            Contents { sealed: sealed.clone(), files: BTreeMap::new(), unlisted: Vec::new(), unread: BTreeMap::new() };
        contents.files.insert(MANIFEST.to_owned(), condition(&sealed));
        contents.list(folder, "", &sealed, 0);
        contents.unlisted = contents.find_unlisted(folder);
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
        for part in parts.into_iter().filter(|part| is_below(part) && depth < DEPTH_MAX) {
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
    /// Finds the files and directories in `root` that are not listed. Links are not followed.
    fn find_unlisted(&self, root: &Path) -> Vec<String> {
        let mut unlisted = Vec::new();
        let mut folders = vec![String::new()];
        while let Some(within) = folders.pop() {
            for entry in fs::read_dir(root.join(&within)).into_iter().flatten().flatten() {
                let path = format!("{within}{}", entry.file_name().to_string_lossy());
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                let has_listed = || {
                    self.files
                        .range(format!("{path}/")..)
                        .next()
                        .is_some_and(|(file, _)| file.starts_with(&format!("{path}/")))
                };
                if is_folder && has_listed() {
                    folders.push(format!("{path}/"));
                } else if is_folder
                    || !self.files.contains_key(&path)
                    || !entry.file_type().is_ok_and(|kind| kind.is_file())
                {
                    unlisted.push(path);
                }
            }
        }
        unlisted.sort();
        unlisted
    }
    /// A description for the user.
    #[must_use]
    pub fn description(&self) -> String {
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
    /// Removes the listed files from `folder`, and directories that are empty then. Other files stay.
    ///
    /// # Errors
    /// If a file cannot be removed, or a directory is not empty.
    pub fn remove(&self, folder: &Path) -> io::Result<()> {
        let mut folders = BTreeSet::new();
        for file in self.files.keys() {
            match fs::remove_file(folder.join(file)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            folders.extend(Path::new(file).ancestors().skip(1).map(Path::to_owned));
        }
        // Inner directories are ordered after outer ones.
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

/// Whether a relative path stays below its directory.
#[must_use]
pub fn is_below(path: &str) -> bool {
    path.split('/').all(name::is_plain)
}

/// The SHA-256 of an ordinary file.
///
/// # Errors
/// If it is no ordinary file, or cannot be read.
pub fn hash(path: &Path) -> io::Result<String> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no ordinary file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.read_to_end(&mut bytes)?;
    Ok(Hash::of(&bytes).hex())
}
