//! How much of a committee decides, in each protocol: what its original says, not what would be enough.

use ledgerlab::base::Committee;
use ledgerlab::consensus::{aura, clique, hotstuff, pbft, qbft, raft, ripple, scp, tendermint, threshold, vote};
use ledgerlab::protocol::Protocol;

/// Nodes of the columns below.
const NODES: [usize; 10] = [1, 2, 3, 4, 5, 6, 7, 9, 10, 30];

fn committee<P: Protocol>(config: &P::Config, n: usize) -> Committee {
    P::committee(config, vec![1; n])
}

fn quorum<P: Protocol>(config: &P::Config) -> [u64; 10] {
    NODES.map(|n| committee::<P>(config, n).quorum())
}

#[test]
fn each_protocol_decides_with_what_its_original_asks_for() {
    let qbft_of = |variant| qbft::Config { variant, ..qbft::Config::default() };
    let aura_of = |finality| aura::Config { finality, ..aura::Config::default() };
    let rows = [
        // Castro and Liskov: 2f + 1 of 3f + 1; for other numbers the least with which two quorums meet in a correct replica.
        ("pbft", quorum::<pbft::Pbft>(&pbft::Config::default()), [1, 2, 2, 3, 4, 4, 5, 6, 7, 20]),
        // Besu, BftHelpers.calculateRequiredValidatorQuorum; GoQuorum, QuorumSize: the ceiling of 2n/3.
        ("qbft", quorum::<qbft::Qbft>(&qbft::Config::default()), [1, 2, 2, 3, 4, 4, 5, 6, 7, 20]),
        ("ibft2", quorum::<qbft::Qbft>(&qbft_of(qbft::Variant::Ibft2)), [1, 2, 2, 3, 4, 4, 5, 6, 7, 20]),
        ("ibft1", quorum::<qbft::Qbft>(&qbft_of(qbft::Variant::Ibft1)), [1, 2, 2, 3, 4, 4, 5, 6, 7, 20]),
        // HotStuff's paper and libhotstuff: n - f.
        ("hotstuff", quorum::<hotstuff::HotStuff>(&hotstuff::Config::default()), [1, 2, 3, 3, 4, 5, 5, 7, 7, 21]),
        // CometBFT, types/vote_set.go: total * 2 / 3 + 1, more than two thirds.
        (
            "tendermint",
            quorum::<tendermint::Tendermint>(&tendermint::Config::default()),
            [1, 2, 3, 3, 4, 5, 5, 7, 7, 21],
        ),
        // Raft: a majority.
        ("raft", quorum::<raft::Raft>(&raft::Config::default()), [1, 2, 2, 3, 3, 4, 4, 5, 6, 16]),
        // EIP-225, SIGNER_LIMIT: half of the signers and one.
        ("clique", quorum::<clique::Clique>(&clique::Config::default()), [1, 2, 2, 3, 3, 4, 4, 5, 6, 16]),
        // OpenEthereum, finality.rs: more than half of the signers; or more than two thirds from a block on.
        ("aura", quorum::<aura::Aura>(&aura_of(aura::Finality::Majority)), [1, 2, 2, 3, 3, 4, 4, 5, 6, 16]),
        ("aura-2/3", quorum::<aura::Aura>(&aura_of(aura::Finality::TwoThirds)), [1, 2, 3, 3, 4, 5, 5, 7, 7, 21]),
        // Proof of Vote's paper: more than half of the commissioners.
        ("vote", quorum::<vote::Vote>(&vote::Config::default()), [1, 2, 2, 3, 3, 4, 4, 5, 6, 16]),
        // Threshold signatures: k is a choice; left out, more than two thirds.
        ("threshold", quorum::<threshold::Threshold>(&threshold::Config::default()), [1, 2, 3, 3, 4, 5, 5, 7, 7, 21]),
    ];
    for (name, found, right) in rows {
        assert_eq!(found, right, "{name} of {NODES:?}");
    }
}

#[test]
fn slices_and_lists_of_trusted_nodes_have_the_shares_of_stellar_and_ripple() {
    // stellar-core, Config.cpp: 67 % of the validators, rounded up.
    let slices = scp::Config::default().slices;
    assert_eq!(NODES.map(|n| slices.of(n)[0].threshold), [1, 2, 3, 3, 4, 5, 5, 7, 7, 21]);
    // rippled, ValidatorList::calculateQuorum: 80 % of the list, rounded up.
    let percent = ripple::Config::default().quorum;
    assert_eq!(
        NODES.map(|n| committee::<ripple::Ripple>(&ripple::Config::default(), n).share(percent)),
        [1, 2, 3, 4, 4, 5, 6, 8, 8, 24]
    );
}
