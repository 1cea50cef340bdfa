//! More load than a slot carries, blocks proposed again, and answers to who was away.

use super::*;
use crate::protocol::request::ANSWER_BYTES;

/// Four signers with so many payments waiting, on lines that bring nothing larger than `most` within a slot, for so many slots.
fn on_thin_lines(config: Config, payments: u64, most: usize, slots: u64) -> Stage {
    let mut stage = Stage::new(4, config);
    stage.set_delay(MILLI * 100);
    for nonce in 0..payments {
        let transaction = stage.transaction(nonce as u32 % 8, nonce / 8);
        stage.submit_to_all(&transaction);
    }
    for _ in 0..slots * 20 {
        stage.lose(|flight| flight.message.kind() == "propose" && flight.message.bytes() > most);
        stage.run(MILLI * 50);
    }
    stage
}

/// It made the same block, or a larger one, in every slot.
#[test]
fn creators_propose_less_until_enough_signers_get_it_in_time_and_everything_becomes_final() {
    for (name, config) in all_ways() {
        if config.rule == Rule::Strict {
            continue; // who signed a block that is too large is bound to it
        }
        let stage = on_thin_lines(config, 400, 20_000, 60);
        assert_eq!(stage.disagreement(&[0, 1, 2, 3]), None);
        let signed: usize = stage.chain(0).iter().map(|block| block.transactions().len()).sum();
        assert_eq!(signed, 400, "{name}");
        let sizes: Vec<usize> = stage.finalized(0).iter().map(|block| block.bytes()).collect();
        assert!(sizes.iter().all(|bytes| *bytes <= 20_000), "{name}: {sizes:?}");
    }
}

#[test]
fn a_block_that_was_signed_by_too_few_is_proposed_again_by_its_name_and_who_lacks_it_asks() {
    let mut stage = Stage::new(4, config());
    let payments: Vec<_> = (0..100).map(|nonce| stage.transaction(0, nonce)).collect();
    payments.iter().for_each(|payment| stage.submit_to_all(payment));
    stage.run_until(at(1));
    // 3 gets nothing in this slot, the others no signatures: three are locked on the block.
    stage.lose(|flight| flight.to.0 == 3);
    for _ in 0..500 {
        stage.run(MILLI);
        stage.lose(|flight| flight.to.0 == 3 || flight.message.kind() == "sign");
    }
    assert_eq!(heights(&stage, &[0, 1, 2, 3]), [0; 4]);
    stage.run_until(at(3));
    assert_eq!(heights(&stage, &[0, 1, 2, 3]), [1; 4]);
    let delivered = |kind| stage.delivered().get(kind).copied().unwrap_or(0);
    assert_eq!((delivered("propose-again"), delivered("want")), (3, 1), "one lacked it");
    assert_eq!(stage.final_transactions(3).len(), 100);
}

#[test]
fn an_answer_is_bounded_in_bytes_and_the_next_is_asked_for_at_once() {
    let mut stage = Stage::new(4, config());
    stage.crash(3);
    for slot in 0..8u64 {
        for nonce in slot * 500..(slot + 1) * 500 {
            let transaction = stage.transaction(nonce as u32 % 4, nonce / 4);
            stage.submit_to_all(&transaction);
        }
        stage.run_until(Time::from_nanos(at(2 * slot + 3).as_nanos() - 1));
    }
    assert_eq!(stage.final_transactions(0).len(), 4_000);
    stage.boot(3);
    let mut answers = Vec::new();
    for _ in 0..50 {
        let to_it = |flight: &&Flight<Message>| flight.to.0 == 3 && flight.message.kind() == "block";
        answers.extend(stage.flights().filter(to_it).map(|flight| flight.message.bytes() as u64));
        stage.run(MILLI);
    }
    assert_eq!(stage.final_transactions(3).len(), 4_000);
    assert!((2..=4).contains(&answers.len()), "{answers:?}");
    assert!(answers.iter().all(|bytes| *bytes < ANSWER_BYTES + 1_000), "{answers:?}");
}

#[test]
fn one_to_three_signers_keep_a_chain() {
    for n in 1..=3 {
        let mut stage = Stage::new(n, config());
        slots(&mut stage, 0, 5);
        let all: Vec<usize> = (0..n).collect();
        assert!(heights(&stage, &all).iter().all(|height| *height >= 4), "{n}");
    }
}
