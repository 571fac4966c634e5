//! A piece of the feed in the order of the log: records, then notices, then records again.
//!
//! A notice means what was delivered in front of it. So that it finds that, and leaves alone what comes behind it, a piece that mixes
//! both is worked in parts, each of which is kept, written and remembered as a piece of its own.

use commonroll_wire::pb::exchange::v1::ReceiveResponse;

/// Where parts of a piece end, of which everything up to `after` is done: each holds records or notices alone.
pub(super) fn ends(piece: &ReceiveResponse, after: u64) -> Vec<u64> {
    let records =
        piece.batches.iter().flat_map(|batch| &batch.records).map(|record| (record.sequence, false));
    let notices = piece.notices.iter().map(|notice| (notice.sequence, true));
    let mut places: Vec<_> = records.chain(notices).filter(|(place, _)| *place > after).collect();
    places.sort_unstable();
    let turns = places.windows(2).filter_map(|pair| match pair {
        [(place, is_notice), (_, next)] if is_notice != next => Some(*place),
        _ => None,
    });
    turns.filter(|place| *place < piece.cursor).chain([piece.cursor]).collect()
}

/// The piece up to this place. Batches stay whole, since all of their records prove where they come from.
pub(super) fn part(piece: &ReceiveResponse, end: u64) -> ReceiveResponse {
    let up_to = |sequence: u64| end == piece.cursor || sequence <= end;
    ReceiveResponse {
        batches: piece
            .batches
            .iter()
            .filter(|batch| batch.records.iter().any(|record| up_to(record.sequence)))
            .cloned()
            .collect(),
        notices: piece.notices.iter().filter(|notice| up_to(notice.sequence)).cloned().collect(),
        cursor: end,
    }
}
