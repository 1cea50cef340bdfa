//! The word that was probably meant.

/// The word that was probably meant, if one of `allowed` is near `found`.
pub fn nearest<'a>(found: &str, allowed: &[&'a str]) -> Option<&'a str> {
    let (lower, most) = (found.to_lowercase(), (found.chars().count() / 3).max(1));
    let near = |word: &&&str| strsim::damerau_levenshtein(&lower, &word.to_lowercase());
    let nearest = allowed.iter().min_by_key(near)?;
    (near(&nearest) <= most).then_some(*nearest)
}
