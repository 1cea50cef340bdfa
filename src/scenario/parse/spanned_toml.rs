//! A scenario as written: values that remember where they stand.
//!
//! A tree comes from one file and any number of overrides, each a source of its own. It is read by serde like any
//! other format; what goes wrong on the way comes back as a [`Misread`] that points at the innermost value or key
//! concerned. Later checks ask the tree where a key stands ([`SpannedToml::place`]).

mod renamed;

pub use renamed::{Renamed, renew_path};

use super::nearest::nearest;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};
use std::fmt;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// A stretch of one source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// Which source: 0 is the file, the others are overrides.
    pub source: usize,
    /// Bytes of it.
    pub span: Range<usize>,
}

/// A value and where it stands.
#[derive(Clone, PartialEq, Debug)]
pub struct SpannedToml {
    value: Value,
    place: Place,
}

#[derive(Clone, PartialEq, Debug)]
enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Flag(bool),
    Unusable(&'static str),
    List(Vec<SpannedToml>),
    /// In the order written.
    Table(Vec<(Key, SpannedToml)>),
}

#[derive(Clone, PartialEq, Debug)]
struct Key {
    name: String,
    place: Place,
}

/// A text that is not TOML: what is wrong, and where.
pub struct NotToml {
    /// What is wrong.
    pub what: String,
    /// Where, in bytes.
    pub span: Range<usize>,
}

/// Where a path leads: the steps from the top.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Into a table.
    Key(String),
    /// Into a list.
    Index(usize),
}

impl Step {
    /// The name of a key; `None` for an index.
    pub fn key(&self) -> Option<&str> {
        match self {
            Step::Key(name) => Some(name),
            Step::Index(_) => None,
        }
    }
}

impl SpannedToml {
    /// Reads TOML; `source` is the number of this text among the sources.
    pub fn parse(text: &str, source: usize) -> Result<SpannedToml, NotToml> {
        let table = DeTable::parse(text)
            .map_err(|error| NotToml { what: error.message().to_owned(), span: error.span().unwrap_or(0..0) })?;
        let span = table.span();
        Ok(SpannedToml { value: Value::table(table.into_inner(), source), place: Place { source, span } })
    }

    fn from_toml(value: toml::Spanned<DeValue<'_>>, source: usize) -> SpannedToml {
        let place = Place { source, span: value.span() };
        let value = match value.into_inner() {
            DeValue::String(text) => Value::Text(text.into_owned()),
            DeValue::Integer(digits) => match i64::from_str_radix(digits.as_str(), digits.radix()) {
                Ok(number) => Value::Integer(number),
                Err(_) => Value::Unusable("a whole number beyond 64 bits"),
            },
            DeValue::Float(digits) => match digits.as_str().parse::<f64>() {
                Ok(number) if number.is_finite() => Value::Float(number),
                _ => Value::Unusable("a number that is not finite"),
            },
            DeValue::Boolean(flag) => Value::Flag(flag),
            DeValue::Datetime(_) => Value::Unusable("a date"),
            DeValue::Array(list) => {
                Value::List(list.into_iter().map(|item| SpannedToml::from_toml(item, source)).collect())
            }
            DeValue::Table(table) => Value::table(table, source),
        };
        SpannedToml { value, place }
    }

    /// Settings that the program wrote itself, so that no second kind of deserializer is compiled to read them.
    pub fn of_settings(settings: &toml::Table) -> SpannedToml {
        let nowhere = Place { source: 0, span: 0..0 };
        let entry = |(name, value): (&String, &toml::Value)| {
            (Key { name: name.clone(), place: nowhere.clone() }, SpannedToml::of_value(value))
        };
        SpannedToml { value: Value::Table(settings.iter().map(entry).collect()), place: nowhere.clone() }
    }

    fn of_value(value: &toml::Value) -> SpannedToml {
        let value = match value {
            toml::Value::String(text) => Value::Text(text.clone()),
            toml::Value::Integer(number) => Value::Integer(*number),
            toml::Value::Float(number) => Value::Float(*number),
            toml::Value::Boolean(flag) => Value::Flag(*flag),
            toml::Value::Datetime(_) => Value::Unusable("a date"),
            toml::Value::Array(items) => Value::List(items.iter().map(SpannedToml::of_value).collect()),
            toml::Value::Table(table) => return SpannedToml::of_settings(table),
        };
        SpannedToml { value, place: Place { source: 0, span: 0..0 } }
    }

    /// Whether something stands at `path`.
    pub fn has(&self, path: &str) -> bool {
        self.follow(path).1
    }

    /// Where the value at `path` stands, or the innermost table on the way to it.
    pub fn place(&self, path: &str) -> Place {
        self.follow(path).0.place.clone()
    }

    /// Where the last key of `path` stands, or the innermost table on the way to it.
    pub fn key_place(&self, path: &str) -> Place {
        let (above, last) = path.rsplit_once('.').unwrap_or(("", path));
        match &self.follow(above).0.value {
            Value::Table(entries) => entries.iter().find(|(key, _)| key.name == last).map(|(key, _)| key.place.clone()),
            _ => None,
        }
        .unwrap_or_else(|| self.place(path))
    }

    /// Where the word stands that makes the choice at `path`: alone, or as the key of its settings.
    pub fn place_of_choice(&self, path: &str) -> Place {
        let tree = self.follow(path).0;
        match &tree.value {
            Value::Table(entries) => entries.first().map_or(&tree.place, |(key, _)| &key.place).clone(),
            _ => tree.place.clone(),
        }
    }

    /// How many elements a list has; one for what stands alone.
    pub fn length(&self) -> usize {
        if let Value::List(items) = &self.value { items.len() } else { 1 }
    }

    /// Whether this is a whole number.
    pub fn is_number(&self) -> bool {
        matches!(self.value, Value::Integer(_))
    }

    /// The value at `path`, if there is one.
    pub fn at(&self, path: &str) -> Option<&SpannedToml> {
        let (tree, found) = self.follow(path);
        found.then_some(tree)
    }

    /// The innermost value on the way to `path`, and whether the whole path exists.
    fn follow(&self, path: &str) -> (&SpannedToml, bool) {
        let mut tree = self;
        let Some(steps) = steps(path) else { return (self, false) };
        for step in &steps {
            match tree.step(step) {
                Some(inner) => tree = inner,
                None => return (tree, false),
            }
        }
        (tree, true)
    }

    fn step(&self, step: &Step) -> Option<&SpannedToml> {
        match (&self.value, step) {
            (Value::Table(entries), Step::Key(name)) => {
                entries.iter().find(|(key, _)| key.name == *name).map(|(_, tree)| tree)
            }
            (Value::List(items), Step::Index(index)) => items.get(*index),
            _ => None,
        }
    }

    /// Puts `value` at `path`, making tables on the way. `key` is where the path is written.
    ///
    /// A list of one element may be passed through without an index: `chain.nodes.count`.
    pub fn set(&mut self, path: &[Step], key: &Place, value: SpannedToml) -> Result<(), String> {
        let Some((step, rest)) = path.split_first() else {
            *self = value;
            return Ok(());
        };
        match (&mut self.value, step) {
            (Value::List(items), Step::Index(index)) => match items.len() {
                len if *index < len => items[*index].set(rest, key, value),
                len => Err(format!("there is no element {index} in a list of {len}")),
            },
            (Value::List(items), Step::Key(_)) => match items.as_mut_slice() {
                [only] => only.set(path, key, value),
                items => Err(format!("say which of {} is meant, such as `[0]`", items.len())),
            },
            (Value::Table(entries), Step::Key(name)) => {
                let at = entries.iter().position(|(key, _)| key.name == *name).unwrap_or_else(|| {
                    let empty = SpannedToml { value: Value::Table(Vec::new()), place: key.clone() };
                    entries.push((Key { name: name.clone(), place: key.clone() }, empty));
                    entries.len() - 1
                });
                entries[at].0.place = key.clone();
                entries[at].1.set(rest, key, value)
            }
            (_, Step::Key(_)) => {
                // A word that stands for a table with default settings, such as `protocol = "pbft"`, becomes one.
                self.value = Value::Table(Vec::new());
                self.set(path, key, value)
            }
            (_, Step::Index(index)) => Err(format!("there is no list here to take element {index} of")),
        }
    }

    /// Whether [`SpannedToml::set`] at `path` would change or add a setting and leave every choice as it is: a word that stands
    /// for a table becomes one only of that name.
    pub fn takes(&self, path: &[Step]) -> bool {
        match (&self.value, path) {
            (_, []) | (Value::Table(_), [Step::Key(_)]) => true,
            (Value::Text(word), [Step::Key(name), _, ..]) => word == name,
            (Value::List(items), [Step::Key(_), ..]) => items.len() == 1 && items[0].takes(path),
            (_, [step, rest @ ..]) => self.step(step).is_some_and(|inner| inner.takes(rest)),
        }
    }

    /// The value of an entry of a table.
    pub fn entry(&mut self, name: &str) -> Option<&mut SpannedToml> {
        let Value::Table(entries) = &mut self.value else { return None };
        entries.iter_mut().find(|(key, _)| key.name == name).map(|(_, tree)| tree)
    }

    /// The elements of a list.
    pub fn items(&mut self) -> &mut [SpannedToml] {
        if let Value::List(items) = &mut self.value { items } else { &mut [] }
    }

    /// The entries of a table: key, where it stands, value.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Place, &SpannedToml)> {
        let entries = if let Value::Table(entries) = &self.value { entries.as_slice() } else { &[] };
        entries.iter().map(|(key, tree)| (key.name.as_str(), &key.place, tree))
    }

    /// Takes `name` out of the top table.
    pub fn remove(&mut self, name: &str) {
        if let Value::Table(entries) = &mut self.value {
            entries.retain(|(key, _)| key.name != name);
        }
    }

    /// Takes away what stands at `place`, a key or a value, so that the rest can be read; or, if `instead` says what was
    /// meant, puts that there. Answers with the place of the table or list that misses something now.
    pub fn mend(&mut self, place: &Place, instead: Option<&str>) -> Option<Place> {
        match &mut self.value {
            Value::Table(entries) => {
                let is_free = |word: &&str| entries.iter().all(|(key, _)| key.name != *word);
                let instead = instead.filter(is_free);
                if let Some(at) = entries.iter().position(|(key, _)| key.place == *place) {
                    match instead {
                        Some(word) => word.clone_into(&mut entries[at].0.name),
                        None => drop(entries.remove(at)),
                    }
                    return Some(self.place.clone());
                }
                // What is further inside comes first: a table may begin and end where its only value does.
                if let Some(found) = entries.iter_mut().find_map(|(_, inner)| inner.mend(place, instead)) {
                    return Some(found);
                }
                let at = entries.iter().position(|(_, inner)| inner.place == *place)?;
                entries.remove(at);
            }
            Value::List(items) => {
                if let Some(found) = items.iter_mut().find_map(|inner| inner.mend(place, instead)) {
                    return Some(found);
                }
                let at = items.iter().position(|inner| inner.place == *place)?;
                items.remove(at);
            }
            Value::Text(text) if self.place == *place && instead.is_some() => {
                instead.unwrap_or_default().clone_into(text);
            }
            _ => return None,
        }
        Some(self.place.clone())
    }

    /// The value, shortly, for messages.
    fn shown(&self) -> String {
        match &self.value {
            Value::Text(text) => format!("\"{text}\""),
            Value::Integer(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            Value::Flag(flag) => flag.to_string(),
            Value::Unusable(what) => (*what).to_owned(),
            Value::List(_) => "a list".to_owned(),
            Value::Table(_) => "a table".to_owned(),
        }
    }

    /// A table without entries.
    pub fn empty(place: Place) -> SpannedToml {
        SpannedToml { value: Value::Table(Vec::new()), place }
    }

    /// A text value.
    pub fn text(text: &str, place: Place) -> SpannedToml {
        SpannedToml { value: Value::Text(text.to_owned()), place }
    }
}

impl Value {
    fn table(table: DeTable<'_>, source: usize) -> Value {
        let mut entries: Vec<(Key, SpannedToml)> = table
            .into_iter()
            .map(|(key, value)| {
                let place = Place { source, span: key.span() };
                (Key { name: key.into_inner().into_owned(), place }, SpannedToml::from_toml(value, source))
            })
            .collect();
        entries.sort_by_key(|(key, _)| key.place.span.start);
        Value::Table(entries)
    }
}

/// The steps of a path such as `chain[0].nodes.count`; `None` if it is not one. Keys with dots stand in quotes.
pub fn steps(path: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix('"') {
            let (name, after) = quoted.split_once('"')?;
            steps.push(Step::Key(name.to_owned()));
            rest = after;
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let name = rest[..end].trim();
            if name.is_empty() {
                return None;
            }
            steps.push(Step::Key(name.to_owned()));
            rest = &rest[end..];
        }
        while let Some(index) = rest.strip_prefix('[') {
            let (digits, after) = index.split_once(']')?;
            steps.push(Step::Index(digits.parse().ok()?));
            rest = after;
        }
        match rest.strip_prefix('.') {
            Some("") => return None,
            Some(after) => rest = after,
            None if rest.is_empty() => {}
            None => return None,
        }
    }
    Some(steps)
}

/// What a value could not be read as.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reason {
    /// A key that means nothing here.
    UnknownKey {
        /// The key.
        found: String,
        /// The keys that mean something.
        allowed: Vec<&'static str>,
    },
    /// A word that means nothing here.
    UnknownWord {
        /// The word.
        found: String,
        /// The words that mean something.
        allowed: Vec<&'static str>,
    },
    /// A key that must be there.
    Missing(&'static str),
    /// A key under two names.
    Twice(&'static str),
    /// A value of the wrong kind, or outside its range.
    Unexpected {
        /// What stands there.
        found: String,
        /// What may.
        expected: String,
    },
    /// Anything else, in words.
    Other(String),
}

/// A value that could not be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Misread {
    /// Why.
    pub reason: Reason,
    /// Where.
    pub place: Option<Place>,
    /// The key whose value it is.
    pub key: Option<String>,
}

impl Misread {
    fn new(reason: Reason) -> Box<Misread> {
        Box::new(Misread { reason, place: None, key: None })
    }
    /// The word that was probably meant by one that means nothing.
    pub fn meant(&self) -> Option<&'static str> {
        match &self.reason {
            Reason::UnknownKey { found, allowed } | Reason::UnknownWord { found, allowed } => nearest(found, allowed),
            _ => None,
        }
    }
    /// Places the error here unless it was placed further inside.
    fn at(mut self: Box<Misread>, place: &Place) -> Box<Misread> {
        self.place.get_or_insert_with(|| place.clone());
        self
    }
}

impl fmt::Display for Misread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.reason)
    }
}

impl std::error::Error for Misread {}

/// What serde expects, in words for people.
fn plain(expected: &str) -> String {
    match expected {
        "u8" | "u16" | "u32" => "a whole number, not negative and below 2^32".into(),
        "u64" | "usize" => "a whole number, not negative".into(),
        "i64" | "i32" => "a whole number".into(),
        "f64" | "f32" => "a number".into(),
        "a boolean" => "true or false".into(),
        "a string" => "a text in quotes".into(),
        "a sequence" => "a list".into(),
        "a map" => "a table".into(),
        "a tuple of size 2" => "a pair [.., ..]".into(),
        other if other.starts_with("struct ") => "a table".into(),
        other if other.starts_with("enum ") => "a word, or a table named after one".into(),
        other => other.into(),
    }
}

fn found(unexpected: de::Unexpected<'_>) -> String {
    match unexpected {
        de::Unexpected::Signed(number) => number.to_string(),
        de::Unexpected::Unsigned(number) => number.to_string(),
        de::Unexpected::Float(number) => number.to_string(),
        de::Unexpected::Bool(flag) => flag.to_string(),
        de::Unexpected::Str(text) => format!("\"{text}\""),
        de::Unexpected::Seq => "a list".into(),
        de::Unexpected::Map => "a table".into(),
        other => other.to_string(),
    }
}

/// Boxed: every value of a scenario comes back beside it.
impl de::Error for Box<Misread> {
    fn custom<T: fmt::Display>(message: T) -> Box<Misread> {
        Misread::new(Reason::Other(message.to_string()))
    }
    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Box<Misread> {
        Misread::new(Reason::UnknownKey { found: field.into(), allowed: expected.to_vec() })
    }
    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Box<Misread> {
        Misread::new(Reason::UnknownWord { found: variant.into(), allowed: expected.to_vec() })
    }
    fn missing_field(field: &'static str) -> Box<Misread> {
        Misread::new(Reason::Missing(field))
    }
    fn duplicate_field(field: &'static str) -> Box<Misread> {
        Misread::new(Reason::Twice(field))
    }
    fn invalid_type(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Box<Misread> {
        Misread::new(Reason::Unexpected { found: found(unexpected), expected: plain(&expected.to_string()) })
    }
    fn invalid_value(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Box<Misread> {
        <Box<Misread> as de::Error>::invalid_type(unexpected, expected)
    }
    fn invalid_length(length: usize, expected: &dyn de::Expected) -> Box<Misread> {
        let found = format!("{length} of them");
        Misread::new(Reason::Unexpected { found, expected: plain(&expected.to_string()) })
    }
}

/// Each type that can be read asks for what it is, so that only the way to that is compiled for it; what else stands there
/// is refused in one place for all.
impl SpannedToml {
    /// Something else stands here than what is read.
    #[cold]
    fn mismatch(&self, expected: &dyn de::Expected) -> Box<Misread> {
        let unexpected = match &self.value {
            Value::Text(text) => de::Unexpected::Str(text),
            Value::Integer(number) => de::Unexpected::Signed(*number),
            Value::Float(number) => de::Unexpected::Float(*number),
            Value::Flag(flag) => de::Unexpected::Bool(*flag),
            Value::Unusable(what) => de::Unexpected::Other(what),
            Value::List(_) => de::Unexpected::Seq,
            Value::Table(_) => de::Unexpected::Map,
        };
        <Box<Misread> as de::Error>::invalid_type(unexpected, expected).at(&self.place)
    }

    /// Places an error of this value.
    fn placed<T>(&self, read: Result<T, Box<Misread>>) -> Result<T, Box<Misread>> {
        match read {
            Ok(value) => Ok(value),
            Err(error) => Err(error.at(&self.place)),
        }
    }

    /// The choice among `words` that is made here.
    fn choice(&self, words: &[&str]) -> Result<Choice<'_>, Box<Misread>> {
        let one_of =
            || format!("one of {}", words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "));
        let unexpected = match &self.value {
            Value::Text(word) => return Ok(Choice { word, place: &self.place, settings: None }),
            Value::Table(entries) => match entries.as_slice() {
                [(key, tree)] => return Ok(Choice { word: &key.name, place: &key.place, settings: Some(tree) }),
                [] => Misread::new(Reason::Unexpected { found: "an empty table".into(), expected: one_of() }),
                [_, (second, _), ..] => {
                    let found = format!("{} keys", entries.len());
                    Misread::new(Reason::Unexpected { found, expected: one_of() }).at(&second.place)
                }
            },
            _ => Misread::new(Reason::Unexpected { found: self.shown(), expected: one_of() }),
        };
        Err(unexpected)
    }
}

/// Ways to read one kind of value.
macro_rules! read {
    ($($how:ident: $kind:ident($value:ident) => $visit:expr;)*) => {
        $(fn $how<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Box<Misread>> {
            match &self.value {
                Value::$kind($value) => self.placed($visit(visitor)),
                _ => Err(self.mismatch(&visitor)),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for &'de SpannedToml {
    type Error = Box<Misread>;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Box<Misread>> {
        let read = match &self.value {
            Value::Text(text) => visitor.visit_str(text),
            Value::Integer(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Flag(flag) => visitor.visit_bool(*flag),
            Value::Unusable(_) => Err(self.mismatch(&visitor)),
            Value::List(items) => visit_list(items, visitor),
            Value::Table(entries) => visit_table(entries, visitor),
        };
        self.placed(read)
    }
    read! {
        deserialize_bool: Flag(flag) => |visitor: V| visitor.visit_bool(*flag);
        deserialize_i8: Integer(number) => |visitor: V| visitor.visit_i64(*number);
        deserialize_i16: Integer(number) => |visitor: V| visitor.visit_i64(*number);
        deserialize_i32: Integer(number) => |visitor: V| visitor.visit_i64(*number);
        deserialize_i64: Integer(number) => |visitor: V| visitor.visit_i64(*number);
        deserialize_u8: Integer(number) => |visitor: V| visitor.visit_i64(*number);
        deserialize_u16: Integer(number) => |visitor: V| visitor.visit_i64(*number);
        deserialize_u32: Integer(number) => |visitor: V| visitor.visit_i64(*number);
        deserialize_u64: Integer(number) => |visitor: V| visitor.visit_i64(*number);
        deserialize_str: Text(text) => |visitor: V| visitor.visit_str(text);
        deserialize_string: Text(text) => |visitor: V| visitor.visit_str(text);
        deserialize_seq: List(items) => |visitor: V| visit_list(items, visitor);
        deserialize_map: Table(entries) => |visitor: V| visit_table(entries, visitor);
    }
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Box<Misread>> {
        self.deserialize_map(visitor)
    }
    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Box<Misread>> {
        self.deserialize_seq(visitor)
    }
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Box<Misread>> {
        visitor.visit_some(self)
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Box<Misread>> {
        visitor.visit_newtype_struct(self)
    }
    /// A choice: a table with one key, or one word for it if all its settings may stay at their defaults.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Box<Misread>> {
        self.placed(self.choice(words).and_then(|choice| visitor.visit_enum(choice)))
    }
    serde::forward_to_deserialize_any! {
        i128 u128 f32 f64 char bytes byte_buf unit unit_struct tuple_struct identifier ignored_any
    }
}

fn visit_list<'de, V: Visitor<'de>>(items: &'de [SpannedToml], visitor: V) -> Result<V::Value, Box<Misread>> {
    let mut list = Items { items, next: 0 };
    let value = visitor.visit_seq(&mut list)?;
    list.end()?;
    Ok(value)
}

fn visit_table<'de, V: Visitor<'de>>(entries: &'de [(Key, SpannedToml)], visitor: V) -> Result<V::Value, Box<Misread>> {
    let mut table = Entries { entries, next: 0 };
    match (visitor.visit_map(&mut table), entries.get(table.next)) {
        // A key was read and its value was not asked for: the key itself is wrong.
        (Err(error), Some((key, _))) => Err(error.at(&key.place)),
        (read, _) => read,
    }
}

struct Items<'de> {
    items: &'de [SpannedToml],
    next: usize,
}

impl Items<'_> {
    /// Whether all were read.
    fn end(&self) -> Result<(), Box<Misread>> {
        let Some(surplus) = self.items.get(self.next) else { return Ok(()) };
        let (found, expected) = (format!("{} of them", self.items.len()), format!("{} of them", self.next));
        Err(Misread::new(Reason::Unexpected { found, expected }).at(&surplus.place))
    }
}

impl<'de> SeqAccess<'de> for &mut Items<'de> {
    type Error = Box<Misread>;
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Box<Misread>> {
        let Some(item) = self.items.get(self.next) else { return Ok(None) };
        self.next += 1;
        seed.deserialize(item).map(Some)
    }
}

struct Entries<'de> {
    entries: &'de [(Key, SpannedToml)],
    next: usize,
}

impl Entries<'_> {
    /// The settings of a choice written as one word.
    const NONE: Self = Entries { entries: &[], next: 0 };
}

impl<'de> MapAccess<'de> for &mut Entries<'de> {
    type Error = Box<Misread>;
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Box<Misread>> {
        let Some((key, _)) = self.entries.get(self.next) else { return Ok(None) };
        let name = de::value::StrDeserializer::new(&key.name);
        seed.deserialize(name).map(Some).map_err(|error: Box<Misread>| error.at(&key.place))
    }
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Box<Misread>> {
        let (key, value) = &self.entries[self.next];
        self.next += 1;
        seed.deserialize(value).map_err(|mut error| {
            error.key.get_or_insert_with(|| key.name.clone());
            error
        })
    }
}

struct Choice<'de> {
    word: &'de str,
    place: &'de Place,
    settings: Option<&'de SpannedToml>,
}

impl Choice<'_> {
    /// What is wrong with a choice written as one word.
    fn alone(&self, mut error: Box<Misread>) -> Box<Misread> {
        if let Reason::Unexpected { found, .. } = &mut error.reason {
            *found = format!("the word \"{}\" alone", self.word);
        }
        error.at(self.place)
    }
}

impl<'de> EnumAccess<'de> for Choice<'de> {
    type Error = Box<Misread>;
    type Variant = Choice<'de>;
    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Choice<'de>), Box<Misread>> {
        let name = de::value::StrDeserializer::new(self.word);
        let word = seed.deserialize(name).map_err(|error: Box<Misread>| error.at(self.place))?;
        Ok((word, self))
    }
}

impl<'de> VariantAccess<'de> for Choice<'de> {
    type Error = Box<Misread>;
    fn unit_variant(self) -> Result<(), Box<Misread>> {
        match self.settings {
            None => Ok(()),
            Some(tree) => {
                let expected = format!("the word \"{}\"", self.word);
                Err(Misread::new(Reason::Unexpected { found: "a table".into(), expected }).at(&tree.place))
            }
        }
    }
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Box<Misread>> {
        let mut none = Entries::NONE;
        match self.settings {
            Some(tree) => seed.deserialize(tree),
            None => seed.deserialize(MapAccessDeserializer::new(&mut none)).map_err(|error| self.alone(error)),
        }
    }
    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Box<Misread>> {
        self.struct_variant(&[], visitor)
    }
    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Box<Misread>> {
        let mut none = Entries::NONE;
        match self.settings {
            Some(tree) => tree.deserialize_any(visitor),
            None => visitor.visit_map(&mut none).map_err(|error| self.alone(error)),
        }
    }
}
