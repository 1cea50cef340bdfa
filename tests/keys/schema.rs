//! The keys of the schema, and values that they could have.

use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A key, written `chain[].nodes.count`, and values to try for it: in TOML's words, written as JSON.
#[derive(Clone, Debug)]
pub struct Key {
    pub path: String,
    pub values: Vec<Value>,
    pub needs: Vec<Need>,
}

/// What stands around a key, outermost first.
#[derive(Clone, Debug)]
pub enum Need {
    /// This choice is made at this place.
    Choice(String, String),
    /// This key has this value unless it has one.
    Value(String, Value),
}

/// All keys that a scenario can hold, each once, in order.
pub fn keys(schema: &Value) -> Vec<Key> {
    let mut walk = Walk { definitions: &schema["$defs"], keys: Vec::new(), once: BTreeSet::new(), needs: Vec::new() };
    walk.visit("", schema, &mut Vec::new());
    let mut keys: Vec<Key> = Vec::new();
    walk.keys.sort_by(|a, b| a.path.cmp(&b.path));
    for key in walk.keys {
        match keys.last_mut() {
            Some(last) if last.path == key.path => last.values.extend(key.values),
            _ => keys.push(key),
        }
    }
    keys
}

struct Walk<'a> {
    definitions: &'a Value,
    keys: Vec<Key>,
    /// Definitions that many keys share and whose own keys are tried at one of them.
    once: BTreeSet<String>,
    needs: Vec<Need>,
}

impl<'a> Walk<'a> {
    fn visit(&mut self, path: &str, schema: &'a Value, within: &mut Vec<&'a str>) {
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap();
            if let Some(values) = known(name) {
                self.key(path, values);
            }
            // A set of nodes holds sets of nodes.
            let is_shared = ["NodeSelector", "Disk", "QuorumSet"].contains(&name) && !self.once.insert(name.to_owned());
            if !is_shared && !within.contains(&name) {
                within.push(name);
                self.visit(path, &self.definitions[name], within);
                within.pop();
            }
            return;
        }
        let alternatives = ["oneOf", "anyOf"].iter().filter_map(|word| schema[word].as_array()).flatten();
        let mut is_choice = false;
        for alternative in alternatives {
            is_choice = true;
            let properties = alternative["properties"].as_object().filter(|all| all.len() == 1);
            let name = properties.and_then(|all| all.keys().next());
            self.needs.extend(name.map(|name| Need::Choice(path.to_owned(), name.clone())));
            self.visit(path, alternative, within);
            name.and_then(|_| self.needs.pop());
        }
        if let Some(properties) = schema["properties"].as_object() {
            let at = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            let earlier = self.needs.len();
            for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                let sample = Self::sample(name, &properties[name]);
                self.needs.extend(sample.map(|value| Need::Value(at(name), value)));
            }
            for (name, property) in properties {
                self.visit(&at(name), property, within);
            }
            self.needs.truncate(earlier);
            return;
        }
        if !is_choice {
            self.scalar(path, schema, within);
        }
    }
    fn scalar(&mut self, path: &str, schema: &'a Value, within: &mut Vec<&'a str>) {
        let is = |kind: &str| match &schema["type"] {
            Value::Array(kinds) => kinds.iter().any(|other| other == kind),
            other => other == kind,
        };
        let words = schema["enum"].as_array().cloned().or_else(|| Some(vec![schema.get("const")?.clone()]));
        let values = if let Some(words) = words {
            words
        } else if is("boolean") {
            vec![json!(true), json!(false)]
        } else if is("integer") {
            let default = schema["default"].as_u64().unwrap_or(4);
            [1, 2, 3, 0, 5, default.saturating_mul(2), default / 3, 10, 100].map(|value| json!(value)).into()
        } else if is("number") {
            [0.5, 0.1, 2.0, 0.9, 5.0, 50.0].map(|value| json!(value)).into()
        } else if is("array") {
            self.visit(&format!("{path}[]"), &schema["items"], within);
            return;
        } else if is("string") {
            // Only a case knows a name, or a file.
            Vec::new()
        } else if is("object") {
            vec![json!({})]
        } else {
            return;
        };
        self.key(path, values);
    }
    fn key(&mut self, path: &str, values: Vec<Value>) {
        self.keys.push(Key { path: path.to_owned(), values, needs: self.needs.clone() });
    }
    /// A value for a key that must be given.
    fn sample(name: &str, schema: &Value) -> Option<Value> {
        match schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
            Some("Duration") => return Some(json!(if name == "at" { "2s" } else { "50ms" })),
            Some("NodeSelector") => return Some(json!(1)),
            Some(_) | None => {}
        }
        match (name, schema["type"].as_str()?) {
            ("bytes", "integer") => Some(json!(1000)),
            ("transactions", "integer") => Some(json!(10)),
            ("rate" | "then", "number") => Some(json!(20.0)),
            ("sigma", "number") => Some(json!(0.3)),
            (_, "integer") => Some(json!(2)),
            (_, "number") => Some(json!(3.0)),
            (_, "boolean") => Some(json!(true)),
            (_, "array") if schema["items"]["type"] == "integer" => Some(json!([1])),
            _ => None,
        }
    }
}

/// Values of kinds that are written as words.
fn known(name: &str) -> Option<Vec<Value>> {
    let words: &[&str] = match name {
        "Duration" => &["1ms", "50ms", "300ms", "700ms", "1500ms", "3s", "0s", "10s", "1h"],
        "ByteSize" => &["1 kB", "300 B", "20 kB", "2 MB"],
        "BitRate" => &["100 kbit/s", "2 Mbit/s"],
        _ => return None,
    };
    Some(words.iter().map(|word| json!(word)).collect())
}
