//! The words that scenarios may use for published data and hardware profiles. What stands behind each is in
//! `network`; here is what is needed to refuse a wrong word and to list the right ones.

use crate::base::Duration;

/// A word and what it stands for.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    /// The word.
    pub name: &'static str,
    /// One line: what, of when, from where.
    pub summary: &'static str,
}

/// Published data over a set of regions.
#[derive(Clone, Copy, Debug)]
pub struct RegionalWord {
    /// The word.
    pub name: &'static str,
    /// One line: what, of when, from where.
    pub summary: &'static str,
    /// The regions it knows.
    pub regions: &'static [&'static str],
}

/// What one sync of a disk costs: a lognormal law.
#[derive(Clone, Copy, Debug)]
pub struct DiskWord {
    /// The word.
    pub name: &'static str,
    /// One line: what, and on what the figures rest.
    pub summary: &'static str,
    /// Median time.
    pub median: Duration,
    /// Standard deviation of the logarithm.
    pub sigma: f64,
}

/// Regions of the AWS data set, July 2025.
pub const AWS: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// The six regions of SimBlock.
pub const SIX: &[&str] = &["NORTH_AMERICA", "EUROPE", "SOUTH_AMERICA", "ASIA_PACIFIC", "JAPAN", "AUSTRALIA"];

/// Delays between regions, for `latency.regions.data`.
pub const LATENCIES: &[RegionalWord] = &[
    RegionalWord {
        name: "aws-2025",
        summary: "33 AWS regions, one-way, medians of a year to July 2025 (cloudping.co)",
        regions: AWS,
    },
    RegionalWord {
        name: "six-regions-2018",
        summary: "six world regions, one-way, fitted to WonderNetwork pings of 2018",
        regions: SIX,
    },
    RegionalWord {
        name: "simblock-2019",
        summary: "six world regions as SimBlock has them: round trips used as one-way; for parity only",
        regions: SIX,
    },
];

/// Shares of nodes per region, for `nodes.regions`.
pub const REGION_SHARES: &[RegionalWord] = &[
    RegionalWord {
        name: "bitcoin-2019",
        summary: "Bitcoin nodes over six world regions, 2019 (SimBlock)",
        regions: SIX,
    },
    RegionalWord {
        name: "bitcoin-2015",
        summary: "Bitcoin nodes over six world regions, 2015 (SimBlock)",
        regions: SIX,
    },
];

/// Shares of power, for `nodes.weights`.
pub const WEIGHT_SHARES: &[Word] =
    &[Word { name: "pools-2025", summary: "Bitcoin mining pools by blocks of 2025, counted from coinbase tags" }];

/// Rates of access links per region, for `nodes.upload` and `nodes.download`.
pub const RATES: &[RegionalWord] = &[RegionalWord {
    name: "simblock-2019",
    summary: "access links in six world regions, 2019 (SimBlock)",
    regions: SIX,
}];

/// Frequencies of connections dialled per node, for `topology.degrees.data`.
pub const DEGREES: &[Word] =
    &[Word { name: "bitcoin-2015", summary: "Bitcoin connections dialled per node, 2015, at most 20 (SimBlock)" }];

/// Disk profiles, for `nodes.disk`.
pub const DISKS: &[DiskWord] = &[
    disk("nvme_plp", "NVMe with power-loss protection, median 30 us", 30_000, 0.5),
    disk("nvme_consumer", "consumer NVMe, median 0.85 ms, spread assumed", 850_000, 0.35),
    disk("cloud_ssd_gp3", "AWS EBS gp3, median 0.66 ms, fitted to mean 0.70 and deviation 0.24 ms", 662_000, 0.334),
    disk("cloud_ssd_gp2", "AWS EBS gp2, median 1.27 ms, fitted to mean 1.42 and deviation 0.73 ms", 1_266_000, 0.482),
    disk("hdd_7200", "hard disk at 7,200 rpm, median 15 ms, spread assumed", 15_000_000, 0.45),
];

/// The word for a disk that costs nothing.
pub const NO_DISK: &str = "none";

const fn disk(name: &'static str, summary: &'static str, nanos: u64, sigma: f64) -> DiskWord {
    DiskWord { name, summary, median: Duration::from_nanos(nanos), sigma }
}
