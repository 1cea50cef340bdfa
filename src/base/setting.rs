//! Settings whose values are out of range, and how that is reported.

use super::Duration;
use std::fmt::Display;

/// A setting whose value is out of its range.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{key}` {rule}: {found}")]
pub struct OutOfRange {
    /// The key inside its own table; keys of inner tables behind dots.
    pub key: String,
    /// What its value must fulfil, such as "must be above 0".
    pub rule: String,
    /// What was found.
    pub found: String,
}

/// Checks the values of one table. All that are out of range are reported, in order.
#[derive(Clone, Debug, Default)]
pub struct RangeCheck(Vec<OutOfRange>);

impl RangeCheck {
    /// The value of `key` must fulfil `rule`, and does so if it `fits`; `found` says what it is.
    pub fn require(&mut self, fits: bool, key: &str, rule: &str, found: impl Display) -> &mut RangeCheck {
        if !fits {
            let found = format!("found {found}");
            self.0.push(OutOfRange { key: key.to_owned(), rule: rule.to_owned(), found });
        }
        self
    }
    /// It must lie from `low` to `high`.
    pub fn within(&mut self, key: &str, value: f64, low: f64, high: f64) -> &mut RangeCheck {
        let rule = format!("must lie between {low} and {high}");
        self.require((low..=high).contains(&value), key, &rule, value)
    }
    /// It must be above 0.
    pub fn above_zero(&mut self, key: &str, value: f64) -> &mut RangeCheck {
        self.require(value > 0.0, key, "must be above 0", value)
    }
    /// It must not be less than `least`.
    pub fn at_least(&mut self, key: &str, value: f64, least: f64) -> &mut RangeCheck {
        self.require(value >= least, key, &format!("must be at least {least}"), value)
    }
    /// It must be longer than 0.
    pub fn longer_than_zero(&mut self, key: &str, span: Duration) -> &mut RangeCheck {
        self.require(!span.is_zero(), key, "must be longer than 0", "0")
    }
    /// What is out of range.
    #[must_use]
    pub fn finish(&mut self) -> Vec<OutOfRange> {
        std::mem::take(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_out_of_every_range() {
        let mut check = RangeCheck::default();
        check.within("share", f64::NAN, 0.0, 1.0).above_zero("share", f64::NAN).at_least("share", f64::NAN, 0.0);
        assert_eq!(check.finish().iter().filter(|refused| refused.found == "found NaN").count(), 3);
    }

    #[test]
    fn all_values_out_of_range_are_reported_by_key_rule_and_value() {
        let mut check = RangeCheck::default();
        check.within("sigma", 7.0, 0.0, 5.0).within("tau", 5.0, 0.0, 5.0).longer_than_zero("mean", Duration::ZERO);
        let texts: Vec<String> = check.finish().iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["`sigma` must lie between 0 and 5: found 7", "`mean` must be longer than 0: found 0"]);
    }
}
