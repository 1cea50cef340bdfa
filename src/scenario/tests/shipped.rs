//! The scenarios that come with the program, and their schema.

use super::super::parse::spanned_toml::SpannedToml;
use super::*;
use crate::network::dataset::Kind;
use crate::scenario::schema;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of shipped scenarios.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

/// Every scenario below `folder`, in order.
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let scenario = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "toml");
    let inside = entries.iter().filter(|path| path.is_dir()).flat_map(|path| below(path));
    entries.iter().filter(|path| scenario(path)).cloned().chain(inside).collect()
}

#[test]
fn every_shipped_scenario_is_right_and_reads_back_from_its_resolved_form() {
    let paths = below(&folder());
    assert!(paths.len() >= 7, "{paths:?}");
    for path in paths {
        let text = fs::read_to_string(&path).unwrap();
        let origin = path.display().to_string();
        let load = |text: &str| {
            Scenario::load(&Catalogue::standard(), &origin, text, &[])
                .unwrap_or_else(|mistakes| panic!("{}", mistakes[0]))
        };
        let loaded = load(&text);
        assert_eq!(loaded.warnings, [], "{}", loaded.warnings[0]);
        assert_eq!(load(&loaded.scenario.resolved()).scenario, loaded.scenario);
    }
}

#[test]
fn every_shipped_scenario_names_its_schema_and_asks_a_question() {
    for path in below(&folder()) {
        let text = fs::read_to_string(&path).unwrap();
        let named = text.lines().next().unwrap().strip_prefix("#:schema ").expect("a schema line");
        let meant = path.parent().unwrap().join(named);
        assert_eq!(fs::canonicalize(meant).unwrap(), fs::canonicalize(folder().join("schema.json")).unwrap());
        assert!(
            text.lines().any(|line| line.starts_with("question = ") && line.ends_with("?\"")),
            "{}",
            path.display()
        );
    }
}

#[test]
fn the_shipped_schema_is_the_schema() {
    let shipped = fs::read_to_string(folder().join("schema.json")).unwrap();
    assert_eq!(
        shipped,
        format!("{:#}\n", schema(&Catalogue::standard())),
        "write it anew: ledgerlab schema > scenarios/schema.json"
    );
}

/// Whether `value` fits `schema`, as far as this program's schemas go: references, types, properties, choices.
fn fits(root: &serde_json::Value, schema: &serde_json::Value, value: &serde_json::Value) -> Result<(), String> {
    if let Some(name) = schema["$ref"].as_str() {
        let target = root.pointer(name.trim_start_matches('#')).ok_or(format!("no {name}"))?;
        return fits(root, target, value);
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[choice].as_array() {
            let wrong: Vec<String> = choices.iter().filter_map(|choice| fits(root, choice, value).err()).collect();
            if wrong.len() == choices.len() {
                return Err(format!("{value} fits none: {}", wrong.join("; ")));
            }
        }
    }
    let kind = match value {
        serde_json::Value::String(_) => "string",
        serde_json::Value::Number(number) if number.is_f64() => "number",
        serde_json::Value::Number(_) => "integer",
        serde_json::Value::Bool(_) => "boolean",
        serde_json::Value::Array(_) => "array",
        _ => "object",
    };
    let kinds = schema["type"].as_array().cloned().unwrap_or_else(|| schema.get("type").cloned().into_iter().collect());
    let kind_fits = |wanted: &serde_json::Value| wanted == kind || (wanted == "number" && kind == "integer");
    if !kinds.is_empty() && !kinds.iter().any(kind_fits) {
        return Err(format!("{value} is no {kinds:?}"));
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        return Err(format!("{value} is not among {}", schema["enum"]));
    }
    if schema.get("const").is_some_and(|word| word != value) {
        return Err(format!("{value} is not {}", schema["const"]));
    }
    let wanted = schema["required"].as_array().cloned().unwrap_or_default();
    if let (Some(table), Some(key)) =
        (value.as_object(), wanted.iter().find(|key| value.get(key.as_str().unwrap()).is_none()))
        && !table.contains_key(key.as_str().unwrap())
    {
        return Err(format!("{key} is missing"));
    }
    for (key, inner) in value.as_object().into_iter().flatten() {
        if let Some(names) = schema.get("propertyNames") {
            fits(root, names, &serde_json::json!(key))?;
        }
        let (known, others) = (schema["properties"].get(key), schema.get("additionalProperties"));
        match (known, others) {
            (Some(known), _) => fits(root, known, inner).map_err(|what| format!("{key}: {what}"))?,
            (None, Some(serde_json::Value::Bool(false))) => return Err(format!("unknown {key}")),
            (None, Some(others)) => fits(root, others, inner)?,
            (None, None) => {}
        }
    }
    if let (Some(items), Some(list)) = (schema.get("items"), value.as_array()) {
        list.iter().try_for_each(|item| fits(root, items, item))?;
    }
    Ok(())
}

#[test]
fn every_shipped_scenario_fits_the_schema_as_written_and_as_resolved() {
    let schema = schema(&Catalogue::standard());
    for path in below(&folder()) {
        let text = fs::read_to_string(&path).unwrap();
        let loaded =
            Scenario::load(&Catalogue::standard(), "", &text, &[]).unwrap_or_else(|wrong| panic!("{}", wrong[0]));
        for text in [text, loaded.scenario.resolved()] {
            let value = serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap();
            fits(&schema, &schema, &value).unwrap_or_else(|what| panic!("{}: {what}", path.display()));
        }
    }
}

#[test]
fn the_schema_refuses_what_the_program_refuses() {
    let schema = schema(&idle());
    let valid =
        |text: &str| fits(&schema, &schema, &serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap());
    valid(VALID).unwrap();
    for (from, to) in [
        ("warm_up =", "warmup ="),
        ("degree = 2", "degre = 2"),
        ("\"flood\"", "\"flod\""),
        ("rate = 50", "rate = \"50\""),
        ("us-east-1 = 1", "us-east-l = 1"),
        ("name = \"test\"", ""),
        ("topology.outbound = { degree = 2 }", "latency = \"lognormal\""),
    ] {
        assert!(VALID.contains(from));
        assert!(valid(&VALID.replacen(from, to, 1)).is_err(), "{to}");
    }
}

#[test]
fn a_scenario_knows_the_published_tables_that_it_rests_on() {
    let text = fs::read_to_string(folder().join("reproduce/bitcoin-1000.toml")).unwrap();
    let loaded = Scenario::load(&Catalogue::standard(), "", &text, &[]).unwrap();
    let named: Vec<_> = loaded.scenario.datasets().iter().map(|dataset| (dataset.kind, dataset.name)).collect();
    let expected = [
        (Kind::Latency, "six-regions-2018"),
        (Kind::Bandwidth, "simblock-2019"),
        (Kind::Regions, "bitcoin-2019"),
        (Kind::Power, "pools-2025"),
    ];
    assert_eq!(named, expected);
}

#[test]
fn the_default_settings_of_every_protocol_are_written_out_and_read_back() {
    for known in Catalogue::standard().protocols().chain(idle().protocols()) {
        let empty = SpannedToml::parse("", 0).map_err(|error| error.what).unwrap();
        let settled = (known.settings.settle)(&empty).unwrap();
        let again = SpannedToml::parse(&settled.to_string(), 0).map_err(|error| error.what).unwrap();
        assert_eq!((known.settings.settle)(&again).unwrap(), settled, "{}", known.name);
    }
}

#[test]
fn the_scenario_that_the_readme_explains_is_right() {
    let readme = fs::read_to_string(folder().with_file_name("README.md")).unwrap();
    let block = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a scenario");
    let loaded = Scenario::load(&Catalogue::standard(), "README.md", block, &[])
        .unwrap_or_else(|mistakes| panic!("{}", mistakes[0]));
    assert_eq!(loaded.warnings, [], "{}", loaded.warnings[0]);
}
