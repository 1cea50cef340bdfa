//! Writing a scenario as a person would: without what is the default.

use crate::scenario::{Catalogue, Scenario};

impl Scenario {
    /// The scenario as TOML, with every key left out that makes no difference. It reads back to the same scenario.
    ///
    /// # Panics
    /// Never on a scenario whose every value has a form in TOML.
    #[must_use]
    pub fn terse(&self, catalogue: &Catalogue) -> String {
        let mut table = toml::Table::try_from(self).expect("a scenario has a form in TOML");
        let settled = Scenario::load(catalogue, "", &self.resolved(), &[]).map(|loaded| loaded.scenario);
        if let Ok(settled) = settled {
            let mut paths = Vec::new();
            walk(&toml::Value::Table(table.clone()), &mut Vec::new(), &mut paths);
            for path in paths {
                let mut next = table.clone();
                remove(&mut next, &path);
                let text = toml::to_string(&next).expect("a table has a form in TOML");
                if Scenario::load(catalogue, "", &text, &[]).is_ok_and(|loaded| loaded.scenario == settled) {
                    table = next;
                }
            }
        }
        toml::to_string(&table).expect("a table has a form in TOML")
    }
}

/// Steps to a key: names of tables, numbers in lists.
type Path = Vec<Step>;

#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Place(usize),
}

/// Every key, a table before what is in it. Items of lists stay; only keys of tables can be left out.
fn walk(value: &toml::Value, at: &mut Path, paths: &mut Vec<Path>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                at.push(Step::Key(key.clone()));
                paths.push(at.clone());
                walk(value, at, paths);
                at.pop();
            }
        }
        toml::Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                at.push(Step::Place(place));
                walk(item, at, paths);
                at.pop();
            }
        }
        _ => {}
    }
}

/// Takes a key away, if it is still there.
fn remove(table: &mut toml::Table, path: &[Step]) {
    let [Step::Key(first), rest @ ..] = path else { return };
    let Some((last, between)) = rest.split_last() else {
        table.remove(first);
        return;
    };
    let mut at = table.get_mut(first);
    for step in between {
        at = at.and_then(|value| match step {
            Step::Key(key) => value.get_mut(key),
            Step::Place(place) => value.get_mut(place),
        });
    }
    if let (Some(toml::Value::Table(inner)), Step::Key(key)) = (at, last) {
        inner.remove(key);
    }
}
