//! Measured tables that come with the program: latencies, bandwidths, locations of nodes, shares of mining power.
//!
//! Each dataset is a text embedded from `assets/data/`; `assets/data/SOURCES.md` says where it comes from, under what
//! terms, and whether its delays are one-way or round-trip. A dataset has a name that people type and a SHA-256 that
//! goes into the record of a run. Names are unique within a [`Kind`].

use super::csv_table::{CsvError, CsvTable, Row};
use crate::base::{BitRate, Duration, Hash, Stream};
use std::fmt;

/// The kind of data in a dataset.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// One-way delay between regions: [`LatencyTable`].
    Latency,
    /// Bandwidth of nodes by region: [`Bandwidths`].
    Bandwidth,
    /// Bandwidth of nodes by class of node: [`Bandwidths`] and the share of each class.
    Classes,
    /// Share of the nodes in each region: [`Shares`].
    Regions,
    /// Number of outbound connections: cumulative probability of 1, 2, 3 ...
    Degrees,
    /// Share of the hash power by mining pool: [`Shares`].
    Power,
    /// Share of the stake by staker: [`Shares`].
    Stake,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Latency => "latency",
            Kind::Bandwidth => "bandwidth",
            Kind::Classes => "node class",
            Kind::Regions => "region",
            Kind::Degrees => "degree",
            Kind::Power => "hash power",
            Kind::Stake => "stake",
        })
    }
}

/// An embedded table.
#[derive(Clone, Copy, Debug)]
pub struct Dataset {
    /// What people type; unique within its kind.
    pub name: &'static str,
    /// The kind of its data.
    pub kind: Kind,
    /// One line about it.
    pub summary: &'static str,
    /// Whose it is: the credit line.
    pub source: &'static str,
    /// The table in CSV.
    pub text: &'static str,
    /// The column of `text` with the names of the rows; empty where the form of the table implies it.
    label: &'static str,
    /// The column of `text` with the values; empty where the form of the table implies it.
    value: &'static str,
}

impl Dataset {
    /// SHA-256 of the text, as `sha256sum` prints it for the file.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Hash::of(self.text.as_bytes())
    }
}

/// There is no dataset of this name.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("there is no {kind} dataset \"{name}\"; did you mean \"{nearest}\"? There are {known}")]
pub struct UnknownDataset {
    /// What was looked for.
    pub kind: Kind,
    /// The name that was asked for.
    pub name: String,
    /// The valid name that looks most like it.
    pub nearest: &'static str,
    /// All valid names of the kind.
    pub known: String,
}

const WONDER: &str = "Ping statistics (c) WonderNetwork 2018, collected in Consensys/wittgenstein (Apache-2.0); \
    medians over city pairs computed for this project";
const CLOUDPING: &str = "cloudping.co medians, July 2024 to July 2025, collected in commonwarexyz/monorepo (MIT or \
    Apache-2.0); halved and symmetrised for this project";
const LEIOS: &str = "Pings between EC2 instances published in input-output-hk/ouroboros-leios; fitted for this project";
const SIMBLOCK: &str = "dsg-titech/simblock, NetworkConfiguration.java (Apache-2.0)";
const JABS: &str = "hyajam/jabs, GlobalNetworkStats6Region.java (MIT)";
const GERVAIS: &str = "Gervais et al., CCS 2016, artefact arthurgervais/Bitcoin-Simulator (facts only)";
const POOLS: &str = "Counted from coinbase tags in sorukumar/bitcoin-mining-pools (BSD-2-Clause)";
const GOSSIPSUB: &str = "libp2p/test-plans, gossipsub-interop/network_graph.py (MIT or Apache-2.0)";
const SENTORA: &str = "Sentora figures quoted by the press, June 2025 (facts only)";
const CARDANO: &str = "Cardano chain data, epoch 500, published in input-output-hk/ouroboros-leios";

macro_rules! dataset {
    ($kind:ident, $name:literal, $file:literal, $label:literal, $value:literal, $source:expr, $summary:literal) => {
        Dataset {
            name: $name,
            kind: Kind::$kind,
            summary: $summary,
            source: $source,
            text: include_str!(concat!("../../assets/data/", $file)),
            label: $label,
            value: $value,
        }
    };
}

#[rustfmt::skip]
static ALL: &[Dataset] = &[
    dataset!(Latency, "six-regions-2018", "latency-six-regions-2018.csv", "", "", WONDER,
        "six world regions, one-way medians and spread between city pairs, for public chains"),
    dataset!(Latency, "aws-2025", "latency-aws-2025.csv", "", "", CLOUDPING,
        "33 AWS regions, one-way medians and spread over a year, for cloud deployments"),
    dataset!(Latency, "lan-aws", "latency-lan-aws.csv", "", "", LEIOS,
        "one EC2 region, one-way median 98 us, for local networks"),
    dataset!(Latency, "simblock-2015", "latency-simblock-2015.csv", "", "", SIMBLOCK,
        "SimBlock's six regions, 2015: round-trip numbers that SimBlock uses one-way; for comparison only"),
    dataset!(Latency, "simblock-2019", "latency-simblock-2019.csv", "", "", SIMBLOCK,
        "SimBlock's six regions, 2019: round-trip numbers that SimBlock uses one-way; for comparison only"),
    dataset!(Bandwidth, "simblock-2015", "bandwidth-simblock-2015.csv", "region", "", SIMBLOCK,
        "mean home bandwidth by region, 2015; the upload medians are about half of these means"),
    dataset!(Bandwidth, "simblock-2019", "bandwidth-simblock-2019.csv", "region", "", SIMBLOCK,
        "mean home bandwidth by region, 2019"),
    dataset!(Classes, "gossipsub", "bandwidth-classes-gossipsub.csv", "class", "weight", GOSSIPSUB,
        "20 % of nodes at 1024 Mbit/s, 80 % at 50 Mbit/s: a modelling preset, not a measurement"),
    dataset!(Regions, "bitcoin-2015", "regions-of-nodes.csv", "region", "bitcoin_2015", SIMBLOCK,
        "reachable Bitcoin nodes, 2015"),
    dataset!(Regions, "bitcoin-2019", "regions-of-nodes.csv", "region", "bitcoin_2019", SIMBLOCK,
        "reachable Bitcoin nodes, 2019"),
    dataset!(Regions, "litecoin-2016", "regions-of-nodes.csv", "region", "litecoin", SIMBLOCK,
        "Litecoin nodes as in SimBlock"),
    dataset!(Regions, "dogecoin-2016", "regions-of-nodes.csv", "region", "dogecoin", SIMBLOCK,
        "Dogecoin nodes as in SimBlock"),
    dataset!(Regions, "ethereum-2020", "regions-of-nodes.csv", "region", "ethereum_2020_jabs", JABS,
        "Ethereum nodes, 2020"),
    dataset!(Regions, "bitcoin-miners-2020", "regions-of-nodes.csv", "region", "bitcoin_miners_2020_jabs", JABS,
        "Bitcoin hash power by region, 2020"),
    dataset!(Degrees, "bitcoin-2015", "degree-outbound-simblock.csv", "degree", "bitcoin_2015_cdf", SIMBLOCK,
        "outbound connections of Bitcoin nodes, 1 to 20 (Miller et al. 2015)"),
    dataset!(Degrees, "litecoin", "degree-outbound-simblock.csv", "degree", "litecoin_cdf", SIMBLOCK,
        "outbound connections of Litecoin nodes, 1 to 20"),
    dataset!(Degrees, "dogecoin", "degree-outbound-simblock.csv", "degree", "dogecoin_cdf", SIMBLOCK,
        "outbound connections of Dogecoin nodes: always 8"),
    dataset!(Power, "pools-2016", "pools-2016.csv", "pool", "share", GERVAIS,
        "the 16 miners of Gervais et al. 2016; the listed shares sum to 1.001"),
    dataset!(Power, "pools-2021", "pools-2021.csv", "pool", "share", POOLS, "Bitcoin pools, blocks of 2021"),
    dataset!(Power, "pools-2024", "pools-2024.csv", "pool", "share", POOLS, "Bitcoin pools, blocks of 2024"),
    dataset!(Power, "pools-2025", "pools-2025.csv", "pool", "share", POOLS, "Bitcoin pools, blocks of 2025"),
    dataset!(Power, "pools-2026q1", "pools-2026q1.csv", "pool", "share", POOLS,
        "Bitcoin pools, blocks of the first quarter of 2026"),
    dataset!(Power, "pools-ethereum-2022", "pools-ethereum-2022.csv", "rank", "share", JABS,
        "Ethereum pools before proof of stake, by rank"),
    dataset!(Stake, "stake-ethereum-2025", "stake-ethereum-2025.csv", "entity", "fraction", SENTORA,
        "Lido, Binance, Coinbase, and the rest as one"),
    dataset!(Stake, "stake-cardano-2024", "stake-cardano-epoch500.csv", "rank", "fraction", CARDANO,
        "2,884 Cardano pools by rank, epoch 500"),
];

/// All datasets, grouped by kind.
#[must_use]
pub fn all() -> &'static [Dataset] {
    ALL
}

/// The dataset of `kind` called `name`.
///
/// # Errors
/// If there is none of this name.
pub fn find(kind: Kind, name: &str) -> Result<&'static Dataset, UnknownDataset> {
    let of_kind = || ALL.iter().filter(|dataset| dataset.kind == kind);
    of_kind().find(|dataset| dataset.name == name).ok_or_else(|| {
        let distance = |dataset: &&Dataset| strsim::damerau_levenshtein(dataset.name, name);
        let nearest = of_kind().min_by_key(distance).expect("every kind has a dataset").name;
        let known = of_kind().map(|dataset| dataset.name).collect::<Vec<_>>().join(", ");
        UnknownDataset { kind, name: name.to_owned(), nearest, known }
    })
}

const WELL_FORMED: &str = "embedded tables are read in a test";

/// The latency dataset called `name`.
///
/// # Errors
/// If there is none of this name.
pub fn latency(name: &str) -> Result<LatencyTable, UnknownDataset> {
    Ok(LatencyTable::read(find(Kind::Latency, name)?.text).expect(WELL_FORMED))
}

/// The bandwidths by region called `name`.
///
/// # Errors
/// If there is none of this name.
pub fn bandwidth(name: &str) -> Result<Bandwidths, UnknownDataset> {
    Ok(Bandwidths::read(find(Kind::Bandwidth, name)?.text).expect(WELL_FORMED))
}

/// The classes of nodes called `name`: bandwidths and the share of each class.
///
/// # Errors
/// If there is none of this name.
pub fn classes(name: &str) -> Result<(Bandwidths, Shares), UnknownDataset> {
    let dataset = find(Kind::Classes, name)?;
    let shares = Shares::read(dataset.text, dataset.label, dataset.value).expect(WELL_FORMED);
    Ok((Bandwidths::read(dataset.text).expect(WELL_FORMED), shares))
}

/// The shares called `name`: of nodes by region, of hash power by pool, of stake by staker.
///
/// # Errors
/// If there is none of this name.
///
/// # Panics
/// If `kind` is not one of [`Kind::Regions`], [`Kind::Power`], [`Kind::Stake`].
pub fn shares(kind: Kind, name: &str) -> Result<Shares, UnknownDataset> {
    assert!(matches!(kind, Kind::Regions | Kind::Power | Kind::Stake), "a {kind} dataset holds no shares");
    let dataset = find(kind, name)?;
    Ok(Shares::read(dataset.text, dataset.label, dataset.value).expect(WELL_FORMED))
}

/// The distribution of outbound connections called `name`: probability of at most 1, 2, 3 ... of them.
///
/// # Errors
/// If there is none of this name.
pub fn degrees(name: &str) -> Result<Vec<f64>, UnknownDataset> {
    let dataset = find(Kind::Degrees, name)?;
    Ok(Shares::read(dataset.text, dataset.label, dataset.value).expect(WELL_FORMED).fractions)
}

/// One-way delays between regions.
#[derive(Clone, PartialEq, Debug)]
pub struct LatencyTable {
    names: Vec<String>,
    /// Row by row, from each region to each.
    medians: Vec<Duration>,
    /// Standard deviation of the logarithm of the delay over links of the pair, row by row.
    sigmas: Vec<f64>,
}

/// Largest standard deviation of the logarithm of a delay that a table may hold: a factor of 20 at one sigma.
pub const SIGMA_MAX: f64 = 3.0;
/// Interquartile range of a normal variable in standard deviations: turns quartiles into a sigma.
const QUARTILES_APART: f64 = 1.349;

impl LatencyTable {
    /// Reads one of three forms, distinguished by the header:
    /// a square of medians in milliseconds (`region,A,B`), pairs with their spread (`src,dst,oneway_median_ms,
    /// lognormal_sigma`), or unordered pairs with quartiles (`region_a,region_b,p25_ms,p50_ms,p75_ms`).
    ///
    /// # Errors
    /// The first line that is not as it should be.
    pub fn read(text: &str) -> Result<LatencyTable, CsvError> {
        let sheet = CsvTable::read(text)?;
        match sheet.header()[0] {
            "src" => LatencyTable::read_pairs(&sheet),
            "region_a" => LatencyTable::read_quartiles(&sheet),
            "region" => LatencyTable::read_square(&sheet),
            other => {
                Err(CsvError::new(1, format!("a first column \"{other}\""), "\"region\", \"src\" or \"region_a\""))
            }
        }
    }
    /// A table from medians and spreads, both row by row.
    ///
    /// # Panics
    /// If the lengths do not fit, there are more than 256 regions, or a sigma lies outside `0..=SIGMA_MAX`.
    #[must_use]
    pub fn new(names: Vec<String>, medians: Vec<Duration>, sigmas: Vec<f64>) -> LatencyTable {
        let regions = names.len();
        assert!(regions <= REGIONS_MAX, "a region is numbered by a byte");
        assert!(medians.len() == regions * regions && sigmas.len() == regions * regions, "a table is square");
        assert!(sigmas.iter().all(|sigma| (0.0..=SIGMA_MAX).contains(sigma)), "a sigma lies in 0..={SIGMA_MAX}");
        LatencyTable { names, medians, sigmas }
    }
    /// Names of the regions; a region's number is its place here.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }
    /// The number of the region called `name`.
    #[must_use]
    pub fn region(&self, name: &str) -> Option<u8> {
        self.names.iter().position(|known| known == name).and_then(|at| u8::try_from(at).ok())
    }
    /// Median delay from region `from` to region `to`.
    #[must_use]
    pub fn median(&self, from: u8, to: u8) -> Duration {
        self.medians[usize::from(from) * self.names.len() + usize::from(to)]
    }
    /// Standard deviation of the logarithm of the delay over links from `from` to `to`.
    #[must_use]
    pub fn sigma(&self, from: u8, to: u8) -> f64 {
        self.sigmas[usize::from(from) * self.names.len() + usize::from(to)]
    }
    /// Number of regions.
    #[must_use]
    pub fn regions(&self) -> usize {
        self.names.len()
    }

    fn read_square(sheet: &CsvTable) -> Result<LatencyTable, CsvError> {
        let names: Vec<String> = sheet.header()[1..].iter().map(ToString::to_string).collect();
        let mut filling = Filling::new(names);
        for row in sheet.rows() {
            let from = filling.region(&row, 0)?;
            for to in 0..filling.names.len() {
                let median = milliseconds(&row, to + 1)?;
                filling.set(&row, from, to, median, 0.0)?;
            }
        }
        filling.finish()
    }

    fn read_pairs(sheet: &CsvTable) -> Result<LatencyTable, CsvError> {
        let (src, dst) = (sheet.column("src")?, sheet.column("dst")?);
        let (median, sigma) = (sheet.column("oneway_median_ms")?, sheet.optional("lognormal_sigma"));
        let mut filling = Filling::new(first_seen(sheet, &[src, dst]));
        for row in sheet.rows() {
            let (from, to) = (filling.region(&row, src)?, filling.region(&row, dst)?);
            let spread = row.unless_blank(sigma, |row, column| row.decimal(column, 0.0..=SIGMA_MAX))?.unwrap_or(0.0);
            filling.set(&row, from, to, milliseconds(&row, median)?, spread)?;
        }
        filling.finish()
    }

    fn read_quartiles(sheet: &CsvTable) -> Result<LatencyTable, CsvError> {
        let (a, b) = (sheet.column("region_a")?, sheet.column("region_b")?);
        let [low, median, high] = [sheet.column("p25_ms")?, sheet.column("p50_ms")?, sheet.column("p75_ms")?];
        let mut filling = Filling::new(first_seen(sheet, &[a, b]));
        for row in sheet.rows() {
            let (from, to) = (filling.region(&row, a)?, filling.region(&row, b)?);
            let quartiles = [row.decimal(low, 0.001..=f64::MAX)?, row.decimal(high, 0.001..=f64::MAX)?];
            let sigma = libm::log(quartiles[1] / quartiles[0]) / QUARTILES_APART;
            if !(0.0..=SIGMA_MAX).contains(&sigma) {
                return Err(row.error_at(high, "a third quartile above the first, and less than 57 times as large"));
            }
            filling.set(&row, from, to, milliseconds(&row, median)?, sigma)?;
            if from != to {
                filling.set(&row, to, from, milliseconds(&row, median)?, sigma)?;
            }
        }
        filling.finish()
    }
}

/// A region is numbered by a byte.
const REGIONS_MAX: usize = 256;

/// A latency table being read.
struct Filling {
    names: Vec<String>,
    cells: Vec<Option<(Duration, f64)>>,
    last_line: usize,
}

impl Filling {
    fn new(names: Vec<String>) -> Filling {
        let cells = vec![None; names.len() * names.len()];
        Filling { names, cells, last_line: 1 }
    }
    fn region(&self, row: &Row, column: usize) -> Result<usize, CsvError> {
        let known = self.names.iter().position(|name| name == row.text(column));
        known.ok_or_else(|| row.error_at(column, format!("one of {}", self.names.join(", "))))
    }
    fn set(&mut self, row: &Row, from: usize, to: usize, median: Duration, sigma: f64) -> Result<(), CsvError> {
        self.last_line = row.line();
        let cell = &mut self.cells[from * self.names.len() + to];
        if cell.replace((median, sigma)).is_some() {
            let found = format!("{} to {} a second time", self.names[from], self.names[to]);
            return Err(CsvError::new(row.line(), found, "each pair once"));
        }
        Ok(())
    }
    fn finish(self) -> Result<LatencyTable, CsvError> {
        let regions = self.names.len();
        if regions == 0 || regions > REGIONS_MAX {
            return Err(CsvError::new(1, format!("{regions} regions"), format!("1 to {REGIONS_MAX} regions")));
        }
        if let Some(gap) = self.cells.iter().position(Option::is_none) {
            let (from, to) = (&self.names[gap / regions], &self.names[gap % regions]);
            return Err(CsvError::new(self.last_line, "the end", format!("a delay from {from} to {to}")));
        }
        let (medians, sigmas) = self.cells.into_iter().flatten().unzip();
        Ok(LatencyTable { names: self.names, medians, sigmas })
    }
}

/// Names in `columns`, in the order in which they first appear.
fn first_seen(sheet: &CsvTable, columns: &[usize]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for row in sheet.rows() {
        for column in columns {
            if !names.iter().any(|name| name == row.text(*column)) {
                names.push(row.text(*column).to_owned());
            }
        }
    }
    names
}

/// A delay of up to a minute, written in milliseconds.
fn milliseconds(row: &Row, column: usize) -> Result<Duration, CsvError> {
    Ok(Duration::from_secs_f64(row.decimal(column, 0.0..=60_000.0)? / 1000.0))
}

/// Bandwidths of the access links by region or class.
#[derive(Clone, PartialEq, Debug)]
pub struct Bandwidths {
    /// Names of the rows.
    pub names: Vec<String>,
    /// Upload of each.
    pub upload: Vec<BitRate>,
    /// Download of each.
    pub download: Vec<BitRate>,
}

impl Bandwidths {
    /// Reads `region` or `class`, and `upload_bps`, `download_bps` or `upload_mbps`, `download_mbps`.
    ///
    /// # Errors
    /// The first line that is not as it should be.
    pub fn read(text: &str) -> Result<Bandwidths, CsvError> {
        let sheet = CsvTable::read(text)?;
        let label = sheet.optional("class").map_or_else(|| sheet.column("region"), Ok)?;
        let (scale, unit) = if sheet.optional("upload_mbps").is_some() { (1e6, "mbps") } else { (1.0, "bps") };
        let upload = sheet.column(&format!("upload_{unit}"))?;
        let download = sheet.column(&format!("download_{unit}"))?;
        let mut read = Bandwidths { names: Vec::new(), upload: Vec::new(), download: Vec::new() };
        for row in sheet.rows() {
            let rate = |column| row.decimal(column, 0.0..=1e15 / scale).map(|rate| BitRate((rate * scale) as u64));
            // SimBlock lists a rate between regions that its code never reads.
            if row.text(label) != "INTER_REGIONAL" {
                read.names.push(row.text(label).to_owned());
                read.upload.push(rate(upload)?);
                read.download.push(rate(download)?);
            }
        }
        Ok(read)
    }
}

/// Shares of a whole by holder.
#[derive(Clone, PartialEq, Debug)]
pub struct Shares {
    /// Names of the holders.
    pub names: Vec<String>,
    /// What each holds; about 1 together, up to the rounding of the source.
    pub fractions: Vec<f64>,
    /// Region of each, where the table has a column `region` or `operator_region_guess` beside the names.
    pub regions: Vec<Option<String>>,
}

impl Shares {
    /// Reads names from the column `label` and fractions from the column `value`.
    ///
    /// # Errors
    /// The first line that is not as it should be.
    pub fn read(text: &str, label: &str, value: &str) -> Result<Shares, CsvError> {
        let sheet = CsvTable::read(text)?;
        let (label, value) = (sheet.column(label)?, sheet.column(value)?);
        let region = sheet.optional("region").or_else(|| sheet.optional("operator_region_guess"));
        let region = region.filter(|region| *region != label);
        let mut read = Shares { names: Vec::new(), fractions: Vec::new(), regions: Vec::new() };
        for row in sheet.rows() {
            read.regions.push(row.unless_blank(region, |row, column| Ok(row.text(column).to_owned()))?);
            read.names.push(row.text(label).to_owned());
            read.fractions.push(row.decimal(value, 0.0..=1.0)?);
        }
        Ok(read)
    }
    /// Each share in parts of 10^9: whole weights for arithmetic that must not round.
    #[must_use]
    pub fn parts(&self) -> Vec<u64> {
        self.fractions.iter().map(|fraction| (fraction * 1e9 + 0.5) as u64).collect()
    }
    /// Gives each of `n` nodes a row, in numbers proportional to the shares, in random order.
    #[must_use]
    pub fn deal(&self, n: usize, stream: &mut Stream) -> Vec<usize> {
        let total: f64 = self.fractions.iter().sum();
        let mut sum = 0.0;
        let cumulative = self.fractions.iter().map(|fraction| {
            sum += fraction / total;
            sum
        });
        deal(&cumulative.collect::<Vec<f64>>(), n, stream)
    }
}

/// Gives each of `n` nodes an index into `cumulative`: about `n * cumulative[k]` of them get at most `k`, filled in
/// order and then shuffled as SimBlock does, so that the numbers are exact and only the places are random.
#[must_use]
pub fn deal(cumulative: &[f64], n: usize, stream: &mut Stream) -> Vec<usize> {
    let last = cumulative.len().saturating_sub(1);
    let mut dealt = Vec::with_capacity(n);
    for (index, share) in cumulative.iter().enumerate() {
        let upto = if index == last { n } else { ((n as f64 * share + 0.5) as usize).min(n) };
        dealt.resize(upto.max(dealt.len()), index);
    }
    stream.shuffle(&mut dealt);
    dealt
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_table_is_well_formed() {
        for dataset in all() {
            match dataset.kind {
                Kind::Latency => assert!(latency(dataset.name).unwrap().regions() > 0),
                Kind::Bandwidth => assert_eq!(bandwidth(dataset.name).unwrap().names.len(), 6),
                Kind::Classes => assert_eq!(classes(dataset.name).unwrap().0.names, ["supernode", "fullnode"]),
                Kind::Degrees => assert_eq!(degrees(dataset.name).unwrap().len(), 20),
                kind => assert!(!shares(kind, dataset.name).unwrap().names.is_empty()),
            }
        }
    }

    #[test]
    fn names_are_unique_within_their_kind() {
        for (at, one) in all().iter().enumerate() {
            assert!(
                all()[at + 1..].iter().all(|other| (other.kind, other.name) != (one.kind, one.name)),
                "{}",
                one.name
            );
        }
    }

    #[test]
    fn shares_sum_to_one_up_to_the_rounding_of_their_source() {
        for dataset in all().iter().filter(|dataset| matches!(dataset.kind, Kind::Regions | Kind::Power | Kind::Stake))
        {
            let sum: f64 = shares(dataset.kind, dataset.name).unwrap().fractions.iter().sum();
            assert!((sum - 1.0).abs() < 0.0015, "{} sums to {sum}", dataset.name);
        }
        for dataset in all().iter().filter(|dataset| dataset.kind == Kind::Degrees) {
            let cumulative = degrees(dataset.name).unwrap();
            assert!(cumulative.is_sorted() && cumulative.last() == Some(&1.0), "{}", dataset.name);
        }
    }

    #[test]
    fn the_miners_of_2016_are_those_of_gervais() {
        let pools = shares(Kind::Power, "pools-2016").unwrap();
        assert_eq!(pools.parts().len(), 16);
        assert_eq!(pools.regions[3].as_deref(), Some("NORTH_AMERICA"));
        // The five largest hold 84.3 %; skipping the fifth in favour of the sixth gives the often quoted 83.1 %.
        assert_eq!(pools.parts()[..5].iter().sum::<u64>(), 843_000_000);
        assert_eq!(pools.parts()[..4].iter().sum::<u64>() + pools.parts()[5], 831_000_000);
    }

    #[test]
    fn a_name_with_a_slip_is_answered_with_the_nearest_one() {
        let error = latency("aws-2024").unwrap_err();
        assert_eq!(error.nearest, "aws-2025");
        assert_eq!(
            error.to_string(),
            "there is no latency dataset \"aws-2024\"; did you mean \"aws-2025\"? \
             There are six-regions-2018, aws-2025, lan-aws, simblock-2015, simblock-2019"
        );
        assert_eq!(find(Kind::Power, "pool-2025").unwrap_err().nearest, "pools-2025");
    }

    #[test]
    fn the_hash_of_a_dataset_is_that_of_its_file() {
        let six = find(Kind::Latency, "simblock-2019").unwrap();
        assert_eq!(six.hash(), Hash::of(six.text.as_bytes()));
        assert_eq!(six.hash().hex(), SIMBLOCK_2019, "a change here changes every published comparison");
    }
    const SIMBLOCK_2019: &str = "ac96a8c5beda02e1bcae3acebe7031ea6e190d4a128b7f0df19ca6fc1f888600";

    #[test]
    fn six_regions_give_one_way_delays_and_the_spread_of_links() {
        let table = latency("six-regions-2018").unwrap();
        let [america, europe, japan] = ["NORTH_AMERICA", "EUROPE", "JAPAN"].map(|name| table.region(name).unwrap());
        assert_eq!(table.median(america, europe), Duration::from_micros(63_820));
        assert_eq!(table.median(europe, america), table.median(america, europe));
        // ln(33.43 / 14.50) / 1.349
        assert!((table.sigma(america, america) - 0.619).abs() < 0.001);
        assert!(table.sigma(europe, japan) < 0.1);
        // SimBlock's numbers are round trips: its inter-regional delays are about twice as large.
        let simblock = latency("simblock-2019").unwrap();
        let ratio = simblock.median(america, japan).as_secs_f64() / table.median(america, japan).as_secs_f64();
        assert!((1.7..2.1).contains(&ratio), "{ratio}");
    }

    #[test]
    fn aws_regions_are_symmetric_and_near_the_pings_between_instances() {
        let table = latency("aws-2025").unwrap();
        assert_eq!(table.regions(), 33);
        let [frankfurt, virginia] = ["eu-central-1", "us-east-1"].map(|name| table.region(name).unwrap());
        assert_eq!(table.median(frankfurt, virginia), table.median(virginia, frankfurt));
        // EC2 pings: 90.1 ms there and back.
        assert!((table.median(frankfurt, virginia).as_millis_f64() - 45.05).abs() < 2.0);
    }

    #[test]
    fn dealing_gives_exact_numbers_in_random_places() {
        let shares = shares(Kind::Regions, "bitcoin-2019").unwrap();
        let dealt = shares.deal(10_000, &mut Stream::new(1, "deal", 0, 0));
        let count = |region| dealt.iter().filter(|at| **at == region).count();
        assert_eq!([0, 1, 2, 3, 4, 5].map(count), [3316, 4998, 90, 1177, 224, 195]);
        assert_ne!(dealt, shares.deal(10_000, &mut Stream::new(2, "deal", 0, 0)));
        assert!(!dealt.is_sorted());
    }

    #[test]
    fn a_table_of_the_users_own_is_refused_with_its_line() {
        let refused = |text: &str| LatencyTable::read(text).unwrap_err().to_string();
        assert_eq!(refused(""), "line 1: expected a header row with the names of the columns, found nothing");
        assert_eq!(
            refused("x,y\n"),
            "line 1: expected \"region\", \"src\" or \"region_a\", found a first column \"x\""
        );
        assert_eq!(
            refused("region,A,B\nA,1,2\nC,1,2\n"),
            "line 3: expected one of A, B in column \"region\", found \"C\""
        );
        assert_eq!(refused("region,A,B\nA,1,2\n"), "line 2: expected a delay from B to A, found the end");
        assert_eq!(
            refused("region,A\nA,-3\n"),
            "line 2: expected a number from 0 to 60000 in column \"A\", found \"-3\""
        );
        assert_eq!(refused("region,A\nA,3,4\n"), "line 2: expected 2 cells as in the header, found 3 cells");
        assert_eq!(
            refused("src,dst,oneway_median_ms\nA,A,1\nA,A,1\n"),
            "line 3: expected each pair once, found A to A a second time"
        );
    }
}
