//! The JSON Schema of the format, for editors: completion and checks while typing.

use super::Scenario;
use super::catalogue::{Catalogue, Models, Settings};
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// The JSON Schema (2020-12) of scenarios under a catalogue, the settings of everything in it included.
///
/// # Panics
/// Never: the schema of a scenario is an object.
#[must_use]
pub fn schema(catalogue: &Catalogue) -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let protocols = catalogue.protocols();
    let protocols: Vec<Value> =
        protocols.map(|protocol| choice(protocol.name, protocol.summary, protocol.settings, &mut generator)).collect();
    let ledgers = choices(catalogue.ledgers(), &mut generator);
    let networks = choices(catalogue.networks(), &mut generator);
    let open = [
        ("Workload", choices(catalogue.workloads(), &mut generator)),
        ("Latency", choices(catalogue.latencies(), &mut generator)),
        ("Topology", choices(catalogue.topologies(), &mut generator)),
    ];
    let mut root = generator.into_root_schema_for::<Scenario>().to_value();
    let definitions = root["$defs"].as_object_mut().expect("a scenario has parts");
    definitions.insert("Protocol".into(), json!({"oneOf": protocols}));
    definitions.insert("Ledger".into(), json!({"description": "What nodes agree on.", "oneOf": ledgers}));
    if networks.is_empty() {
        definitions.remove("NetworkModel");
        definitions["Network"]["properties"].as_object_mut().expect("a network has keys").remove("model");
    } else {
        definitions.insert("NetworkModel".into(), json!({"oneOf": networks}));
    }
    for (name, added) in open {
        definitions[name]["oneOf"].as_array_mut().expect("a choice has alternatives").extend(added);
    }
    root["title"] = json!("Ledgerlab scenario");
    if let Some(properties) = root["properties"].as_object_mut() {
        let seeds = properties["seeds"].clone();
        properties.insert("seed".into(), seeds);
    }
    let mut root = Schema::try_from(root).expect("an object is a schema");
    Shorthand.transform(&mut root);
    root.to_value()
}

/// Models, each as the table that it is written as.
fn choices<M: ?Sized>(models: &Models<M>, generator: &mut SchemaGenerator) -> Vec<Value> {
    models.values().map(|model| choice(model.name, model.summary, model.settings, generator)).collect()
}

fn choice(name: &str, summary: &str, settings: Settings, generator: &mut SchemaGenerator) -> Value {
    let mut properties = Map::new();
    properties.insert(name.into(), (settings.schema)(generator).to_value());
    json!({
        "description": summary,
        "type": "object",
        "properties": properties,
        "required": [name],
        "additionalProperties": false,
    })
}

/// Lets a choice whose settings all have defaults be written as one word, as scenarios allow.
#[derive(Clone)]
struct Shorthand;

impl Transform for Shorthand {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(choices) = schema.get_mut("oneOf").and_then(Value::as_array_mut) else { return };
        let mut words = Vec::new();
        for choice in choices.iter() {
            let Some([word]) = choice["required"].as_array().map(Vec::as_slice) else { continue };
            let Some(word) = word.as_str() else { continue };
            let settings = &choice["properties"][word];
            let is_table = settings["type"] == "object" || settings.get("$ref").is_some();
            if choice["type"] == "object" && is_table && settings.get("required").is_none() {
                words.push(json!(word));
            }
        }
        if !words.is_empty() {
            choices.push(json!({"description": "the same with default settings", "enum": words}));
        }
    }
}
