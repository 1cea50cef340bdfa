//! Setting a key of a scenario.

use toml::{Table, Value};

/// Sets `path`, written `chain[].nodes.count`, where `[]` is the first entry of a list; a list is set whole. What is no
/// table on the way becomes one. A choice replaces the others at its place.
pub fn set(table: &mut Table, path: &str, value: Value, choice: bool) {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let (name, depth) = (first.trim_end_matches("[]"), first.matches("[]").count());
    let Some(rest) = rest else {
        if choice {
            table.clear();
        }
        let is_whole = depth > 0 && value.is_array();
        let wrapped = (0..if is_whole { 0 } else { depth }).fold(value, |value, _| Value::Array(vec![value]));
        table.insert(name.to_owned(), wrapped);
        return;
    };
    let mut place = table.entry(name).or_insert_with(|| Value::Table(Table::new()));
    for _ in 0..depth {
        if !place.is_array() {
            *place = Value::Array(Vec::new());
        }
        let list = place.as_array_mut().unwrap();
        if list.is_empty() {
            list.push(Value::Table(Table::new()));
        }
        place = &mut list[0];
    }
    if !place.is_table() {
        *place = Value::Table(Table::new());
    }
    set(place.as_table_mut().unwrap(), rest, value, choice);
}

/// Lays one table over another; lists and values replace.
pub fn merge(base: &mut Table, over: Table) {
    for (name, value) in over {
        match (base.get_mut(&name), value) {
            (Some(Value::Table(below)), Value::Table(over)) => merge(below, over),
            (Some(Value::Array(below)), Value::Array(mut over)) if name == "chain" => {
                // The first chain is what keys are set in.
                let first = over.remove(0);
                merge(below[0].as_table_mut().unwrap(), first.as_table().unwrap().clone());
                below.extend(over);
            }
            (_, value) => drop(base.insert(name, value)),
        }
    }
}

/// What stands at a path.
pub fn get<'a>(table: &'a Table, path: &str) -> Option<&'a Value> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let depth = first.matches("[]").count();
    let mut place = table.get(first.trim_end_matches("[]"))?;
    for _ in 0..depth {
        place = place.as_array()?.first()?;
    }
    rest.map_or(Some(place), |rest| get(place.as_table()?, rest))
}

/// Takes away what stands at a path without lists.
pub fn remove(table: &mut Table, path: &str) {
    match path.split_once('.') {
        None => drop(table.remove(path)),
        Some((first, rest)) => {
            if let Some(Value::Table(below)) = table.get_mut(first) {
                remove(below, rest);
            }
        }
    }
}
