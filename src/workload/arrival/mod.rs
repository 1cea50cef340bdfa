//! Arrival processes: when each client asks.
//!
//! A process is described for all clients together ([`Arrival`]) and runs per client ([`Arrivals`]) on a random
//! stream of the client's own, so that one more client changes no other requests. All but [`Arrival::Closed`] are
//! open loops: nothing that happens in the system moves an arrival.
//!
//! Random intervals are drawn as real numbers of seconds and rounded to the nearest nanosecond; the regular
//! processes compute the instant of each request from its number, so that rounding never adds up.

#[cfg(test)]
mod tests;

use crate::base::{Duration, RangeCheck, Stream, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When clients pay, as scenarios write it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Arrival {
    /// Independently of each other: exponential gaps. Needs `rate`.
    Poisson {},
    /// At equal gaps, the clients in turn; the first after half a gap. Needs `rate`.
    Constant {},
    /// Many at one instant, again and again, the clients in turn.
    Bursts {
        /// Payments in a burst.
        size: u64,
        /// Between the starts of two bursts.
        interval: Duration,
        /// When the first burst comes. Left out: at 0.
        #[serde(default)]
        first: Duration,
    },
    /// Each client alternates between exponentially long spells of Poisson payments and of silence, and is at 0 somewhere in
    /// one of them, as if it had done so for ever. `rate` is the mean over both.
    OnOff {
        /// Mean length of a spell of payments.
        on: Duration,
        /// Mean length of a spell of silence.
        off: Duration,
    },
    /// Poisson payments whose rate changes at fixed instants: load spikes, ramps in steps. The first step begins at 0.
    Piecewise {
        /// The rates, one after the other.
        steps: Vec<RateStep>,
        /// Transactions per second after the last step.
        final_rate: f64,
    },
    /// Each client waits for the answer to its last payment, thinks, and pays again. It thinks before its first, too.
    Closed {
        /// Mean of the exponential thinking time; zero for none.
        think_time: Duration,
    },
}

/// Payments at a constant mean rate.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateStep {
    /// How long it lasts.
    pub duration: Duration,
    /// Transactions per second.
    pub rate: f64,
}

impl Default for Arrival {
    fn default() -> Arrival {
        Arrival::Poisson {}
    }
}

impl Arrival {
    /// Whether the process needs a rate; the others set the pace themselves.
    #[must_use]
    pub fn needs_rate(&self) -> bool {
        matches!(self, Arrival::Poisson {} | Arrival::Constant {} | Arrival::OnOff { .. })
    }
    /// Checks rates and spans; keys begin with `arrival`.
    pub fn check(&self, check: &mut RangeCheck) {
        match self {
            Arrival::Poisson {} | Arrival::Constant {} | Arrival::Closed { .. } => {}
            Arrival::Bursts { size, interval, .. } => {
                check.at_least("arrival.bursts.size", *size as f64, 1.0);
                check.longer_than_zero("arrival.bursts.interval", *interval);
            }
            Arrival::OnOff { on, .. } => {
                check.longer_than_zero("arrival.on_off.on", *on);
            }
            Arrival::Piecewise { steps, final_rate } => {
                check.at_least("arrival.piecewise.final_rate", *final_rate, 0.0);
                for (at, step) in steps.iter().enumerate() {
                    let key = format!("arrival.piecewise.steps[{at}]");
                    check.longer_than_zero(&format!("{key}.duration"), step.duration);
                    check.at_least(&format!("{key}.rate"), step.rate, 0.0);
                }
            }
        }
    }
    /// Transactions per second in the long run under this rate, where that is one configured number.
    #[must_use]
    pub fn mean_rate(&self, rate: Option<f64>) -> Option<f64> {
        match self {
            Arrival::Poisson {} | Arrival::Constant {} | Arrival::OnOff { .. } => rate,
            Arrival::Bursts { size, interval, .. } => Some(*size as f64 / interval.as_secs_f64()),
            Arrival::Piecewise { .. } | Arrival::Closed { .. } => None,
        }
    }
}

/// The requests of one client, one after the other.
#[derive(Clone, Debug)]
pub struct Arrivals {
    law: Arrival,
    /// Transactions per second of all clients together, if the law needs it.
    rate: f64,
    /// This client's number and the number of clients.
    client: u32,
    clients: u32,
    random: Stream,
    /// The last request; before the first, the start.
    last: Time,
    /// Requests so far.
    made: u64,
    /// In an on/off process: whether requests are made now, and until when.
    spell: (bool, Time),
}

impl Arrivals {
    /// The requests of client `client` of `clients`, on a stream of its own. `rate` is that of all clients together, in
    /// transactions per second, where the law needs one.
    #[must_use]
    pub fn new(law: Arrival, rate: f64, client: u32, clients: u32, mut random: Stream) -> Arrivals {
        let mut spell = (false, Time::ZERO);
        if let Arrival::OnOff { on, off, .. } = law {
            // Starts in equilibrium; the rest of an exponential spell is exponential.
            spell.0 = random.chance(on.as_secs_f64() / (on.as_secs_f64() + off.as_secs_f64()));
            spell.1 = Time::ZERO + exponential(&mut random, if spell.0 { on } else { off });
        }
        Arrivals { law, rate, client, clients, random, last: Time::ZERO, made: 0, spell }
    }
    /// The instant of the next request, which is then the last. In a closed loop: the request that follows an answer
    /// received at `answered_at`. `None` if there will be no more.
    pub fn next(&mut self, answered_at: Time) -> Option<Time> {
        // The number of the request among those of all clients, which take turns.
        let number = self.made as f64 * f64::from(self.clients) + f64::from(self.client);
        let at = match &self.law {
            Arrival::Poisson {} => {
                let mean = f64::from(self.clients) / self.rate;
                self.last + Duration::from_secs_f64(self.random.exponential() * mean)
            }
            Arrival::Constant {} => Time::ZERO + Duration::from_secs_f64((number + 0.5) / self.rate),
            Arrival::Bursts { size, interval, first } => {
                let number = self.made * u64::from(self.clients) + u64::from(self.client);
                Time::ZERO + *first + interval.scale(number / size, 1)
            }
            Arrival::Closed { think_time } => answered_at + exponential(&mut self.random, *think_time),
            Arrival::OnOff { .. } => self.next_on_off(),
            Arrival::Piecewise { .. } => self.next_in_pieces(),
        };
        (self.last, self.made) = (at, self.made + 1);
        (at != Time::NEVER).then_some(at)
    }
    /// Lets the spells pass until a request falls into one.
    fn next_on_off(&mut self) -> Time {
        let Arrival::OnOff { on, off } = self.law else { unreachable!("called for on/off processes") };
        let (on_secs, off_secs) = (on.as_secs_f64(), off.as_secs_f64());
        let mean = f64::from(self.clients) / self.rate * (on_secs / (on_secs + off_secs));
        let mut from = self.last;
        loop {
            let (requesting, until) = self.spell;
            if requesting {
                let at = from + Duration::from_secs_f64(self.random.exponential() * mean);
                if at <= until {
                    return at;
                }
            }
            // Exponential intervals have no memory: the next spell draws anew.
            from = until;
            self.spell = (!requesting, until + exponential(&mut self.random, if requesting { off } else { on }));
        }
    }
    /// Inverts the integral of the rate: one exponential number of mean 1 is used up at the rate of each step.
    fn next_in_pieces(&mut self) -> Time {
        let Arrival::Piecewise { steps, final_rate } = &self.law else { unreachable!("called for processes in steps") };
        let mut left = self.random.exponential() * f64::from(self.clients);
        let (mut from, mut end) = (self.last, Time::ZERO);
        for step in steps {
            end += step.duration;
            let area = step.rate * end.since(from).as_secs_f64();
            if left < area {
                return from + Duration::from_secs_f64(left / step.rate);
            }
            left -= area;
            from = from.max(end);
        }
        if *final_rate > 0.0 { from + Duration::from_secs_f64(left / final_rate) } else { Time::NEVER }
    }
}

fn exponential(random: &mut Stream, mean: Duration) -> Duration {
    Duration::from_secs_f64(random.exponential() * mean.as_secs_f64())
}
