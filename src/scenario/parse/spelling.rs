//! How values are written that may be written in several ways: a list or a word, a word or a table.

use crate::base::{BitRate, Duration};
use crate::scenario::attack::{Attack, GenericAttack};
use crate::scenario::dataset_keys::{self, Data};
use crate::scenario::{DISKS, Disk, NO_DISK, NodeSelector, Rate, Regions, Seeds, Weights};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// TOML's whole numbers are signed.
const SEED_MAX: u64 = i64::MAX as u64;

/// Makes a visitor type for a value written in several ways.
macro_rules! written {
    ($value:ident, $visitor:ident, $expected:literal, { $($body:tt)* }) => {
        impl<'de> Deserialize<'de> for $value {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<$value, D::Error> {
                struct $visitor;
                impl<'de> Visitor<'de> for $visitor {
                    type Value = $value;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expected)
                    }
                    $($body)*
                }
                from.deserialize_any($visitor)
            }
        }
    };
}

/// Gives a value a JSON Schema.
macro_rules! described {
    ($value:ident, $($json:tt)+) => {
        impl JsonSchema for $value {
            fn schema_name() -> Cow<'static, str> {
                stringify!($value).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($($json)+)
            }
        }
    };
}

written!(Seeds, SeedsVisitor, "a whole number, a list of them, or a range such as \"1..10\"", {
    fn visit_i64<E: de::Error>(self, seed: i64) -> Result<Seeds, E> {
        let seed = u64::try_from(seed).map_err(|_| E::custom(format!("a seed cannot be negative, found {seed}")))?;
        Ok(Seeds(vec![seed]))
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Seeds, E> {
        let range = text
            .split_once("..")
            .and_then(|(first, last)| Some((first.trim().parse::<u64>().ok()?, last.trim().parse::<u64>().ok()?)));
        match range {
            None => Err(E::custom(format!("expected a range such as \"1..10\", found \"{text}\""))),
            Some((first, last)) if first > last || last > SEED_MAX => {
                Err(E::custom(format!("the range \"{text}\" holds no seed; both ends belong to it")))
            }
            Some((first, last)) if last - first >= Seeds::MAX as u64 => {
                Err(E::custom(format!("{} seeds are more than {}", u128::from(last - first) + 1, Seeds::MAX)))
            }
            Some((first, last)) => Ok(Seeds((first..=last).collect())),
        }
    }
    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Seeds, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(Seeds)
    }
});

impl Serialize for Seeds {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(out)
    }
}

described!(Seeds, {
    "description": "one seed, a list of seeds, or a range with both ends included, such as \"1..10\"",
    "oneOf": [
        {"type": "integer", "minimum": 0},
        {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1},
        {"type": "string", "pattern": "^[0-9]+\\.\\.[0-9]+$"},
    ]
});

written!(Regions, RegionsVisitor, "counts per region, a list of regions, or the name of published shares", {
    fn visit_str<E: de::Error>(self, name: &str) -> Result<Regions, E> {
        Ok(Regions::Shares(name.into()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Regions, A::Error> {
        let names: Vec<String> = Vec::deserialize(SeqAccessDeserializer::new(list))?;
        if names.is_empty() {
            return Err(de::Error::custom("a list of regions needs at least one"));
        }
        Ok(Regions::InTurn(names))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Regions, A::Error> {
        BTreeMap::deserialize(MapAccessDeserializer::new(map)).map(Regions::Counts)
    }
});

impl Serialize for Regions {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self {
            Regions::Nowhere => out.serialize_none(),
            Regions::InTurn(names) => names.serialize(out),
            Regions::Counts(counts) => counts.serialize(out),
            Regions::Shares(name) => out.serialize_str(name),
        }
    }
}

/// `first`, then `others`.
fn with(first: &'static str, others: Vec<&'static str>) -> Vec<&'static str> {
    std::iter::once(first).chain(others).collect()
}

impl JsonSchema for Regions {
    fn schema_name() -> Cow<'static, str> {
        "Regions".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let regions = dataset_keys::all_regions();
        json_schema!({
            "description": "counts per region, a list of regions taken in turn, or the name of published shares",
            "oneOf": [
                {"type": "string", "enum": Data::Places.names()},
                {"type": "array", "items": {"enum": regions}, "minItems": 1},
                {
                    "type": "object",
                    "propertyNames": {"enum": regions},
                    "additionalProperties": {"type": "integer", "minimum": 0},
                },
            ]
        })
    }
}

written!(
    Weights,
    WeightsVisitor,
    "\"equal\", the name of published shares, or a list with one whole number per node",
    {
        fn visit_str<E: de::Error>(self, name: &str) -> Result<Weights, E> {
            Ok(if name == "equal" { Weights::Equal } else { Weights::Shares(name.into()) })
        }
        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Weights, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(list)).map(Weights::List)
        }
    }
);

impl Serialize for Weights {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self {
            Weights::Equal => out.serialize_str("equal"),
            Weights::List(weights) => weights.serialize(out),
            Weights::Shares(name) => out.serialize_str(name),
        }
    }
}

impl JsonSchema for Weights {
    fn schema_name() -> Cow<'static, str> {
        "Weights".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let shares = with("equal", Data::Weights.names());
        json_schema!({
            "oneOf": [
                {"type": "string", "enum": shares},
                {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1},
            ]
        })
    }
}

written!(Rate, RateVisitor, "a rate in quotes such as \"20 Mbit/s\", \"unlimited\", or the name of published rates", {
    fn visit_str<E: de::Error>(self, text: &str) -> Result<Rate, E> {
        if text == "unlimited" {
            Ok(Rate::Unlimited)
        } else if text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
            text.parse().map(Rate::Fixed).map_err(E::custom)
        } else {
            Ok(Rate::ByRegion(text.into()))
        }
    }
});

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self {
            Rate::Unlimited => out.serialize_str("unlimited"),
            Rate::Fixed(rate) => rate.serialize(out),
            Rate::ByRegion(name) => out.serialize_str(name),
        }
    }
}

impl JsonSchema for Rate {
    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let words = with("unlimited", Data::Rates.names());
        json_schema!({"anyOf": [generator.subschema_for::<BitRate>(), {"type": "string", "enum": words}]})
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Lognormal {
    median: Duration,
    sigma: f64,
}

written!(Disk, DiskVisitor, "the name of a disk profile, or { median = ..., sigma = ... }", {
    fn visit_str<E: de::Error>(self, name: &str) -> Result<Disk, E> {
        Ok(Disk::Profile(name.into()))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Disk, A::Error> {
        let Lognormal { median, sigma } = Lognormal::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Disk::Lognormal { median, sigma })
    }
});

impl Serialize for Disk {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self {
            Disk::Profile(name) => out.serialize_str(name),
            Disk::Lognormal { median, sigma } => {
                let mut map = out.serialize_map(Some(2))?;
                map.serialize_entry("median", median)?;
                map.serialize_entry("sigma", sigma)?;
                map.end()
            }
        }
    }
}

impl JsonSchema for Disk {
    fn schema_name() -> Cow<'static, str> {
        "Disk".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let profiles = with(NO_DISK, DISKS.iter().map(|disk| disk.name).collect());
        json_schema!({
            "oneOf": [
                {"type": "string", "enum": profiles},
                {
                    "type": "object",
                    "properties": {
                        "median": generator.subschema_for::<Duration>(),
                        "sigma": {"type": "number", "minimum": 0}
                    },
                    "required": ["median", "sigma"],
                    "additionalProperties": false,
                },
            ]
        })
    }
}

/// The words of [`NodeSelector`].
pub const SELECT_WORDS: &[&str] = &["all", "rest", "leader"];

#[derive(serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum SelectTable {
    Region(String),
    Fraction(f64),
}

written!(
    NodeSelector,
    SelectVisitor,
    "nodes: a number, a list of numbers, \"all\", { region = ... } or { fraction = ... }",
    {
        fn visit_str<E: de::Error>(self, word: &str) -> Result<NodeSelector, E> {
            match word {
                "all" => Ok(NodeSelector::All),
                "rest" => Ok(NodeSelector::Rest),
                "leader" => Ok(NodeSelector::Leader),
                _ => Err(E::unknown_variant(word, SELECT_WORDS)),
            }
        }
        fn visit_i64<E: de::Error>(self, number: i64) -> Result<NodeSelector, E> {
            let number = u32::try_from(number).map_err(|_| E::custom(format!("there is no node {number}")))?;
            Ok(NodeSelector::Numbers(vec![number]))
        }
        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<NodeSelector, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(list)).map(NodeSelector::Numbers)
        }
        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<NodeSelector, A::Error> {
            Ok(match SelectTable::deserialize(MapAccessDeserializer::new(map))? {
                SelectTable::Region(name) => NodeSelector::Region(name),
                SelectTable::Fraction(fraction) => NodeSelector::Fraction(fraction),
            })
        }
    }
);

impl Serialize for NodeSelector {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        fn one<S: Serializer>(out: S, key: &str, value: &impl Serialize) -> Result<S::Ok, S::Error> {
            let mut map = out.serialize_map(Some(1))?;
            map.serialize_entry(key, value)?;
            map.end()
        }
        match self {
            NodeSelector::All => out.serialize_str("all"),
            NodeSelector::Rest => out.serialize_str("rest"),
            NodeSelector::Leader => out.serialize_str("leader"),
            NodeSelector::Numbers(numbers) => numbers.serialize(out),
            NodeSelector::Region(name) => one(out, "region", name),
            NodeSelector::Fraction(fraction) => one(out, "fraction", fraction),
        }
    }
}

impl JsonSchema for NodeSelector {
    fn schema_name() -> Cow<'static, str> {
        "NodeSelector".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "some of the nodes",
            "oneOf": [
                {"type": "integer", "minimum": 0},
                {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1},
                {"type": "string", "enum": SELECT_WORDS},
                {
                    "type": "object",
                    "properties": {"region": {"type": "string"}},
                    "required": ["region"],
                    "additionalProperties": false,
                },
                {
                    "type": "object",
                    "properties": {"fraction": {"type": "number", "minimum": 0, "maximum": 1}},
                    "required": ["fraction"],
                    "additionalProperties": false,
                },
            ]
        })
    }
}

written!(Attack, AttackVisitor, "the name of an attack, or a table such as { delay = { delay = ... } }", {
    fn visit_str<E: de::Error>(self, name: &str) -> Result<Attack, E> {
        Ok(Attack::of_word(name))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Attack, A::Error> {
        GenericAttack::deserialize(MapAccessDeserializer::new(map)).map(Attack::Generic)
    }
});

impl Serialize for Attack {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self {
            Attack::Generic(misconduct) => misconduct.serialize(out),
            Attack::Protocol(name) => out.serialize_str(name),
        }
    }
}

impl JsonSchema for Attack {
    fn schema_name() -> Cow<'static, str> {
        "Attack".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [{"type": "string"}, generator.subschema_for::<GenericAttack>()]})
    }
}
