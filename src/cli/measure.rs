//! What a process uses: processor time and memory, of itself or of another one started for it.

use super::memory;
use anyhow::{Context as _, bail};
use ledgerlab::base::Duration;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::process::{Command, Stdio};

/// Bytes of a mebibyte.
pub const MIB: f64 = (1u64 << 20) as f64;

/// What a process measured of itself.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Measured {
    pub events: u64,
    /// How long it lasted in virtual time.
    pub simulated_s: f64,
    /// Processor seconds of the process. Not known on every system.
    pub cpu_s: Option<f64>,
    /// Most memory of the process. Not known on every system.
    pub peak_bytes: Option<u64>,
    /// Memory of the process at the end of the run, before anything is given back.
    pub resident_bytes: Option<u64>,
}

impl Measured {
    /// What this process has used so far.
    pub fn here(events: u64, lasted: Duration) -> Measured {
        Measured {
            events,
            simulated_s: lasted.as_secs_f64(),
            cpu_s: cpu_seconds(),
            peak_bytes: memory::peak(),
            resident_bytes: memory::resident(),
        }
    }
    pub fn per_cpu_second(&self, count: f64) -> Option<f64> {
        self.cpu_s.filter(|seconds| *seconds > 0.0).map(|seconds| count / seconds)
    }
    pub fn events_per_s(&self) -> Option<f64> {
        self.per_cpu_second(self.events as f64)
    }
    pub fn peak_mib(&self) -> Option<f64> {
        self.peak_bytes.map(|bytes| bytes as f64 / MIB)
    }
}

/// Processor time of this process, of user and system.
fn cpu_seconds() -> Option<f64> {
    #[cfg(unix)]
    let used = Some(rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime));
    #[cfg(unix)]
    let seconds = used.map(|used| used.tv_sec as f64 + used.tv_nsec as f64 / 1e9);
    #[cfg(not(unix))]
    let seconds = None;
    seconds
}

/// Measures in a process of its own.
pub fn measure(name: &str, file: Option<&Path>) -> anyhow::Result<Measured> {
    let program = std::env::current_exe().context("cannot find this program to start it again")?;
    let mut command = Command::new(program);
    command.arg("bench").args(file).args(["--measure", name]);
    let output = command.stderr(Stdio::inherit()).output().context("cannot start this program again")?;
    if !output.status.success() {
        bail!("measuring {name} failed: {}", output.status);
    }
    serde_json::from_slice(&output.stdout).with_context(|| format!("measuring {name} gave no figures"))
}

/// A large number, short.
pub fn short(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{:.2} M", value / 1e6),
        value if value >= 1e4 => format!("{:.0} k", value / 1e3),
        value if value >= 1e3 => format!("{:.1} k", value / 1e3),
        value => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!([12.0, 6_100.0, 85_000.0, 2.4e6].map(short), ["12", "6.1 k", "85 k", "2.40 M"]);
    }
}
