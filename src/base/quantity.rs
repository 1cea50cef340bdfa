//! Quantities as people write them: `"250ms"`, `"20 Mbit/s"`, `"1 MB"`, `"10 min"`.
//!
//! A quantity is a decimal number and a unit, with or without a space between. The result is exact in the
//! smallest unit or refused; nothing is rounded silently.

use super::time::Duration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::borrow::Cow;
use std::fmt;

/// A number of bytes. Written `"1 MB"` (decimal) or `"1 MiB"` (binary).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ByteSize(pub u64);

/// Bits per second. Written `"20 Mbit/s"`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct BitRate(pub u64);

type Units = &'static [(&'static str, u64)];

/// Units of time, in nanoseconds.
const TIME: Units = &[
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];
/// Units of size, in bytes.
const SIZE: Units = &[
    ("B", 1),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];
/// Units of rate, in bits per second.
const RATE: Units = &[("bit/s", 1), ("kbit/s", 1_000), ("Mbit/s", 1_000_000), ("Gbit/s", 1_000_000_000)];

/// Reads `text` as a decimal number followed by one of `units`.
fn parse(text: &str, what: &str, example: &str, units: Units) -> Result<u64, String> {
    let names = || {
        let mut names: Vec<&str> = units.iter().map(|(name, _)| *name).collect();
        names.dedup();
        names.join(", ")
    };
    let text = text.trim();
    let split = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_')).unwrap_or(text.len());
    let (number, unit) = (text[..split].replace('_', ""), text[split..].trim());
    if text.starts_with('-') {
        return Err(format!("a {what} cannot be negative, found \"{text}\""));
    }
    if number.is_empty() || number == "." {
        return Err(format!("expected a {what} such as \"{example}\", found \"{text}\""));
    }
    if unit.is_empty() && number != "0" {
        return Err(format!("a {what} needs a unit ({}), found \"{text}\"", names()));
    }
    let scale = match units.iter().find(|(name, _)| *name == unit) {
        Some((_, scale)) => *scale,
        None if unit.is_empty() => 1,
        None => return Err(format!("unknown unit \"{unit}\" of {what}; units are {}", names())),
    };
    let too_large = || format!("{what} \"{text}\" is too large");
    let (whole, decimals) = number.split_once('.').unwrap_or((&number, ""));
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| too_large())? };
    let mut total = whole.checked_mul(scale).ok_or_else(too_large)?;
    if !decimals.is_empty() {
        let digits: u64 = decimals.parse().map_err(|_| format!("\"{number}\" is not a number"))?;
        let places = u32::try_from(decimals.len()).unwrap_or(u32::MAX);
        let divisor = 10u64.checked_pow(places).ok_or_else(|| format!("\"{number}\" has too many decimals"))?;
        let part = u128::from(digits) * u128::from(scale);
        if part % u128::from(divisor) != 0 {
            let smallest = units[0].0;
            return Err(format!("{what} \"{text}\" is not a whole number of {smallest}"));
        }
        let part = u64::try_from(part / u128::from(divisor)).map_err(|_| too_large())?;
        total = total.checked_add(part).ok_or_else(too_large)?;
    }
    Ok(total)
}

macro_rules! quantity {
    ($name:ident, $what:literal, $example:literal, $units:ident, $make:expr) => {
        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                parse(text, $what, $example, $units).map($make)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                out.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                struct Text;
                impl de::Visitor<'_> for Text {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!("a ", $what, " in quotes, such as \"", $example, "\""))
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                from.deserialize_str(Text)
            }
        }
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string", "description": concat!("a ", $what, " such as \"", $example, "\"")})
            }
        }
    };
}

quantity!(Duration, "duration", "250ms", TIME, Duration::from_nanos);
quantity!(ByteSize, "size", "1 MB", SIZE, ByteSize);
quantity!(BitRate, "rate", "20 Mbit/s", RATE, BitRate);

/// Shows `value` exactly in the largest of `units` that leaves at most three decimals.
fn show(f: &mut fmt::Formatter<'_>, value: u64, units: &[(&str, u64)]) -> fmt::Result {
    for &(unit, scale) in units.iter().rev() {
        if value >= scale && (u128::from(value % scale) * 1000).is_multiple_of(u128::from(scale)) {
            let decimals = format!("{:03}", u128::from(value % scale) * 1000 / u128::from(scale));
            let decimals = decimals.trim_end_matches('0');
            let point = if decimals.is_empty() { "" } else { "." };
            return write!(f, "{}{point}{decimals} {unit}", value / scale);
        }
    }
    write!(f, "{value} {}", units[0].0)
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, self.0, &[("B", 1), ("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000)])
    }
}

impl fmt::Display for BitRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, self.0, RATE)
    }
}

impl fmt::Debug for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for BitRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn people_write_quantities_with_or_without_a_space() {
        assert_eq!("250ms".parse(), Ok(Duration::from_millis(250)));
        assert_eq!("10 min".parse(), Ok(Duration::from_secs(600)));
        assert_eq!("1.5s".parse(), Ok(Duration::from_millis(1500)));
        assert_eq!("0".parse(), Ok(Duration::ZERO));
        assert_eq!("20 Mbit/s".parse(), Ok(BitRate(20_000_000)));
        assert_eq!("1 MB".parse(), Ok(ByteSize(1_000_000)));
        assert_eq!("1 MiB".parse(), Ok(ByteSize(1_048_576)));
    }

    #[test]
    fn a_mistake_is_reported_with_what_is_allowed() {
        let error = |text: &str| text.parse::<Duration>().unwrap_err();
        assert_eq!(error("250"), "a duration needs a unit (ns, us, µs, ms, s, min, h, d), found \"250\"");
        assert_eq!(error("-1s"), "a duration cannot be negative, found \"-1s\"");
        assert_eq!(error("5 parsecs"), "unknown unit \"parsecs\" of duration; units are ns, us, µs, ms, s, min, h, d");
        assert_eq!(error("soon"), "expected a duration such as \"250ms\", found \"soon\"");
        assert_eq!(error("0.5ns"), "duration \"0.5ns\" is not a whole number of ns");
        assert_eq!(error("99999999999999d"), "duration \"99999999999999d\" is too large");
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back_the_same(value in any::<u64>()) {
            prop_assert_eq!(Duration::from_nanos(value).to_string().parse(), Ok(Duration::from_nanos(value)));
            prop_assert_eq!(ByteSize(value).to_string().parse(), Ok(ByteSize(value)));
            prop_assert_eq!(BitRate(value).to_string().parse(), Ok(BitRate(value)));
        }
    }
}
