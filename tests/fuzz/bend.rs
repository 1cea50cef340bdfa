//! Written messages, bent: numbers, lists, bytes, choices, options, parts of other messages.

use super::harvest::Harvest;
use super::variants;
use ledgerlab::base::{Hash, Stream};
use ledgerlab::chain::{Batch, Header};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Elements of a list that was made very long, at most; and the length of the text of a bent message.
const LONG: usize = 3_000;
const TEXT: usize = 300_000;
/// Values kept of each field.
const KEPT: usize = 64;

/// Bends messages of one protocol.
pub struct Bender<'a> {
    harvest: &'a Harvest,
    /// Values that fields of a name had in any message.
    fields: BTreeMap<String, Vec<Value>>,
    random: Stream,
}

impl<'a> Bender<'a> {
    /// Bends what was harvested; the same `number` bends in the same way.
    pub fn new(harvest: &'a Harvest, number: u64) -> Bender<'a> {
        let mut bender = Bender { harvest, fields: BTreeMap::new(), random: Stream::new(1, "bend", number, 0) };
        harvest.all().for_each(|message| bender.note("", message));
        bender
    }
    fn note(&mut self, name: &str, value: &Value) {
        let known = self.fields.entry(name.to_owned()).or_default();
        if known.len() < KEPT && !known.contains(value) {
            known.push(value.clone());
        }
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.note(&format!("{name}/"), item)),
            Value::Object(fields) => fields.iter().for_each(|(name, value)| self.note(name, value)),
            _ => {}
        }
    }
    /// A message of type `kind`, bent in one to four places. Half of the time the names of its blocks are made to fit
    /// again, wherever they are spoken of.
    pub fn bent(&mut self, kind: &str) -> Value {
        let samples = self.harvest.samples(kind);
        let mut message = samples[self.random.index(samples.len())].clone();
        let before = blocks(&mut message).into_iter().map(|block| name_of(block)).collect::<Vec<_>>();
        for _ in 0..=self.random.below(4) {
            self.bend_somewhere(&mut message);
        }
        if self.random.chance(0.5) {
            mend(&mut message, &before);
        }
        if message.to_string().len() > TEXT || variants::named(&message) != kind {
            return samples[0].clone();
        }
        message
    }
    /// The text of a message with some letters changed, or cut off.
    pub fn garbled(&mut self, message: &Value) -> String {
        let mut text = message.to_string().into_bytes();
        if self.random.chance(0.3) {
            text.truncate(self.random.index(text.len()));
        }
        for _ in 0..self.random.below(4) {
            if !text.is_empty() {
                let at = self.random.index(text.len());
                text[at] = *b"0123456789abcdef\"[]{},:-"[..].get(self.random.index(24)).unwrap_or(&b'0');
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Walks down at random and bends what it comes to. The outermost layer is the type of the message and stays.
    fn bend_somewhere(&mut self, message: &mut Value) {
        let Value::Object(outer) = message else { return };
        let Some((name, mut at)) = outer.iter_mut().next() else { return };
        let mut name = name.clone();
        loop {
            let children = match &*at {
                Value::Array(items) => items.len(),
                Value::Object(fields) => fields.len(),
                _ => 0,
            };
            if children == 0 || self.random.chance(0.15) {
                break;
            }
            let which = self.random.index(children);
            match at {
                Value::Array(items) => {
                    name.push('/');
                    at = &mut items[which];
                }
                Value::Object(fields) => {
                    let (inner, value) = fields.iter_mut().nth(which).expect("one of them");
                    name.clone_from(inner);
                    at = value;
                }
                _ => break,
            }
        }
        self.bend_value(&name, at);
    }
    fn bend_value(&mut self, name: &str, value: &mut Value) {
        if self.random.chance(0.2) {
            // What the same field holds elsewhere: this swaps variants, fills options and splices messages.
            if let Some(others) = self.fields.get(name).filter(|others| !others.is_empty()) {
                *value = others[self.random.index(others.len())].clone();
                return;
            }
        }
        if self.random.chance(0.05) {
            *value = Value::Null;
            return;
        }
        match value {
            Value::Number(number) => *value = self.number(number.as_u64().unwrap_or_default()).into(),
            Value::Bool(bit) => *bit = !*bit,
            Value::String(text) => self.bend_text(text),
            Value::Array(items) => self.bend_list(name, items),
            Value::Object(fields) => self.bend_fields(fields),
            Value::Null => {}
        }
    }
    fn number(&mut self, old: u64) -> u64 {
        let near = self.random.below(300);
        let all = [
            0,
            1,
            old.saturating_add(1),
            old.saturating_sub(1),
            old.saturating_add(near),
            old.saturating_sub(near),
            old.saturating_mul(2),
            self.random.below(6),
            self.random.below(100_000),
            self.random.next_u64(),
            self.random.next_u64() >> 32,
            u64::from(u8::MAX),
            u64::from(u16::MAX),
            u64::from(u32::MAX),
            u64::from(u32::MAX) - 1,
            i64::MAX as u64,
            u64::MAX,
            u64::MAX - 1,
        ];
        all[self.random.index(all.len())]
    }
    /// Hashes and signatures are texts of digits; others are left for splicing.
    fn bend_text(&mut self, text: &mut String) {
        let is_hex = text.len() >= 64 && text.bytes().all(|letter| letter.is_ascii_hexdigit());
        if !is_hex {
            return;
        }
        let half = text.len() / 2;
        match self.random.below(4) {
            0 => *text = "0".repeat(2 * half),
            1 => *text = "f".repeat(2 * half),
            2 => {
                text.clear();
                for _ in 0..2 * half {
                    text.push(char::from(b"0123456789abcdef"[self.random.index(16)]));
                }
            }
            _ => {
                let at = self.random.index(text.len());
                text.replace_range(at..=at, if text[at..].starts_with('0') { "1" } else { "0" });
            }
        }
    }
    fn bend_list(&mut self, name: &str, items: &mut Vec<Value>) {
        let length = items.len();
        if length == 0 {
            let others = self.fields.get(&format!("{name}/"));
            let others = others.map_or(&[][..], Vec::as_slice);
            items.extend(
                (0..=self.random.below(3)).filter_map(|_| others.get(self.random.index(others.len().max(1)))).cloned(),
            );
            return;
        }
        match self.random.below(8) {
            0 => items.clear(),
            1 => items.truncate(self.random.index(length)),
            2 => items.push(items[self.random.index(length)].clone()),
            3 => items.extend(items.clone()),
            4 => {
                let one = items[self.random.index(length)].clone();
                let room = (TEXT / 2) / one.to_string().len().max(1);
                items.extend(std::iter::repeat_n(one, self.random.index(LONG).min(room)));
            }
            5 => items.reverse(),
            6 => drop(items.remove(self.random.index(length))),
            _ => self.random.shuffle(items),
        }
    }
    /// Renames a key of a table whose keys are numbers, or bends one of the values.
    fn bend_fields(&mut self, fields: &mut Map<String, Value>) {
        let Some(key) = fields.keys().nth(self.random.index(fields.len().max(1))).cloned() else { return };
        match key.parse::<u64>() {
            Ok(number) => {
                if let Some(value) = fields.remove(&key) {
                    fields.insert(self.number(number).to_string(), value);
                }
            }
            Err(_) => {
                if let Some(value) = fields.get_mut(&key) {
                    self.bend_value(&key, value);
                }
            }
        }
    }
}

/// The blocks in a written message, outer ones first.
fn blocks(message: &mut Value) -> Vec<&mut Map<String, Value>> {
    match message {
        Value::Object(fields) => {
            let is_block = fields.contains_key("header") && fields.contains_key("batch");
            if is_block { vec![fields] } else { fields.values_mut().flat_map(blocks).collect() }
        }
        Value::Array(items) => items.iter_mut().flat_map(blocks).collect(),
        _ => Vec::new(),
    }
}

/// A block's name, if its header can be read.
fn name_of(block: &Map<String, Value>) -> Option<Hash> {
    serde_json::from_value::<Header>(block["header"].clone()).ok().map(|header| header.id())
}

/// Makes each block name its transactions, and all else in the message name the block as it is now.
fn mend(message: &mut Value, before: &[Option<Hash>]) {
    let count = blocks(message).len();
    for at in 0..count {
        let mut found = blocks(message);
        let block = &mut *found[at];
        if let Ok(batch) = serde_json::from_value::<Arc<Batch>>(block["batch"].clone()) {
            block["header"]["merkle"] = batch.digest().hex().into();
        }
        let now = name_of(block);
        if let (true, Some(Some(old)), Some(now)) = (count == before.len(), before.get(at), now) {
            rename(message, &old.hex(), &now.hex());
        }
    }
}

fn rename(value: &mut Value, old: &str, new: &str) {
    match value {
        Value::String(text) if text == old => new.clone_into(text),
        Value::Object(fields) => fields.values_mut().for_each(|field| rename(field, old, new)),
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, old, new)),
        _ => {}
    }
}
