//! What is looked up beside the log: newest revisions, feeds, facts, tiles.

use commonroll_store::{AboutRow, FactRow, SessionRow, TileRow};

use crate::bed::{Bed, batch, on_all, on_disk, revision};

on_disk! { two_nodes_take_the_index_on_and_one_wins; }

on_all! { the_newest_revision_wins_in_any_order; older_revisions_stay_recognisable; a_feed_is_read_in_pages; facts_are_set_replaced_and_deleted; tiles_are_found_by_place; a_thousand_ids_in_one_go; what_is_about_whom_follows_behind; sessions_come_and_go; }

async fn the_newest_revision_wins_in_any_order(bed: Bed) {
    let store = bed.open().await;
    let correction_first = batch(0, 2).id(revision(1, 2, 0)).id(revision(2, 1, 1));
    correction_first.commit(&*store).await.unwrap();
    let late_original = batch(2, 2).id(revision(1, 1, 2)).id(revision(2, 256, 3));
    late_original.commit(&*store).await.unwrap();
    batch(4, 3)
        .id(revision(3, 9, 4))
        .id(revision(3, 11, 5))
        .id(revision(3, 10, 6))
        .commit(&*store)
        .await
        .unwrap();

    let found = store.newest(&[[2; 16], [7; 16], [1; 16], [3; 16], [1; 16]]).await.unwrap();
    let (one, two, three) = (revision(1, 2, 0), revision(2, 256, 3), revision(3, 11, 5));
    assert_eq!(found, [Some(two), None, Some(one), Some(three), Some(one)]);
    assert_eq!(store.newest(&[]).await.unwrap(), []);
}

async fn older_revisions_stay_recognisable(bed: Bed) {
    let store = bed.open().await;
    let mut first = batch(0, 2);
    first.superseded = vec![revision(1, 1, 0), revision(1, 2, 1)];
    first.commit(&*store).await.unwrap();
    let mut second = batch(2, 1);
    second.superseded = vec![revision(1, 1, 2)];
    second.commit(&*store).await.unwrap();
    let found = store.superseded(&[([1; 16], 2), ([1; 16], 1), ([1; 16], 3), ([2; 16], 1)]).await.unwrap();
    assert_eq!(found, [Some(revision(1, 2, 1)), Some(revision(1, 1, 0)), None, None]);
}

async fn a_feed_is_read_in_pages(bed: Bed) {
    let store = bed.open().await;
    let mut expected = Vec::new();
    for turn in 0..40 {
        let first_seq = turn * 10;
        let for_home: Vec<u64> = (first_seq..first_seq + 10).filter(|seq| seq % 3 == 0).collect();
        expected.extend_from_slice(&for_home);
        let block = batch(first_seq, 10).feed(2, &for_home).feed(900_000, &[first_seq + 9]);
        block.commit(&*store).await.unwrap();
    }
    for limit in [1, 7, 64, 500] {
        let (mut read, mut from) = (Vec::new(), 0);
        loop {
            let page = store.feed(2, from, limit).await.unwrap();
            assert!(page.len() <= limit as usize);
            let Some(last) = page.last() else { break };
            from = last + 1;
            read.extend(page);
        }
        assert_eq!(read, expected, "in pages of {limit}");
    }
    assert_eq!(store.feed(2, 0, 3).await.unwrap(), [0, 3, 6], "the first entry of the log is part of a feed");
    assert_eq!(store.feed(900_000, 19, 2).await.unwrap(), [19, 29]);
    assert_eq!(store.feed(2, 4_000, 10).await.unwrap(), [0u64; 0]);
    assert_eq!(store.feed(3, 0, 10).await.unwrap(), [0u64; 0]);
    assert_eq!(store.feed(2, 0, 0).await.unwrap(), [0u64; 0]);
}

async fn facts_are_set_replaced_and_deleted(bed: Bed) {
    let store = bed.open().await;
    let first =
        batch(0, 1).fact(1, "ridgeway", Some("old")).fact(1, "northgate", Some("")).fact(2, "", Some("x"));
    first.commit(&*store).await.unwrap();
    let second =
        batch(1, 1).fact(1, "ridgeway", None).fact(1, "ridgeway", Some("new")).fact(3, "gone", Some("y"));
    second.commit(&*store).await.unwrap();
    batch(2, 1).fact(3, "gone", None).fact(3, "never there", None).commit(&*store).await.unwrap();

    let fact = |kind, key: &str, seq, value: &str| FactRow {
        kind,
        key: key.as_bytes().to_vec(),
        seq,
        value: Some(value.as_bytes().to_vec()),
    };
    let (northgate, empty, ridgeway) =
        (fact(1, "northgate", 0, ""), fact(2, "", 0, "x"), fact(1, "ridgeway", 1, "new"));
    assert_eq!(store.facts(&[1, 2, 3]).await.unwrap(), [northgate.clone(), empty.clone(), ridgeway.clone()]);
    assert_eq!(store.facts(&[1]).await.unwrap(), [northgate, ridgeway]);
    assert_eq!(store.facts(&[]).await.unwrap(), []);

    batch(3, 1).fact(4, "", Some("")).commit(&*store).await.unwrap();
    assert_eq!(store.facts(&[4]).await.unwrap(), [fact(4, "", 3, "")], "a row of empty strings is a row");
}

async fn tiles_are_found_by_place(bed: Bed) {
    let store = bed.open().await;
    let tile = |level, index| TileRow { level, index, hash: [level + index as u8; 32] };
    let mut block = batch(0, 1);
    block.tiles = vec![tile(1, 0), tile(1, 1), tile(2, 0), tile(1, 1 << 40)];
    block.commit(&*store).await.unwrap();
    let found = store.tiles(&[(2, 0), (1, 1), (3, 0), (1, 1 << 40)]).await.unwrap();
    assert_eq!(found, [Some([2; 32]), Some([2; 32]), None, Some([1; 32])]);
}

async fn a_thousand_ids_in_one_go(bed: Bed) {
    let store = bed.open().await;
    let row = |at: u64| {
        let mut row = revision(0, 1, at);
        row.id[..8].copy_from_slice(&(at.wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_be_bytes());
        row
    };
    let mut block = batch(0, 2000);
    block.ids = (0..2000).map(row).collect();
    block.commit(&*store).await.unwrap();
    let ids: Vec<_> = (1000..3000).map(|at| row(at).id).collect();
    let found = store.newest(&ids).await.unwrap();
    assert!((0..1000).all(|at| found[at] == Some(row(1000 + at as u64))));
    assert!(found[1000..].iter().all(Option::is_none));
}

fn row(key: u64, seqs: &[u64]) -> AboutRow {
    AboutRow { key, seqs: seqs.to_vec() }
}

async fn what_is_about_whom_follows_behind(bed: Bed) {
    let store = bed.open().await;
    assert_eq!(store.about(&[7]).await.unwrap(), (0, vec![vec![]]));
    let far = 1 << 33;
    assert!(store.index(0, 10, &[row(7, &[0, 9]), row(far, &[3])]).await.unwrap());
    assert!(store.index(10, 500, &[row(7, &[10, 499])]).await.unwrap());
    assert!(store.index(500, 501, &[]).await.unwrap(), "a stretch may be about nobody");
    let (reached, found) = store.about(&[far, 8, 7, far]).await.unwrap();
    assert_eq!((reached, found), (501, vec![vec![3], vec![], vec![0, 9, 10, 499], vec![3]]));
    assert_eq!(store.indexed().await.unwrap(), 501);

    assert!(!store.index(500, 600, &[row(7, &[550])]).await.unwrap(), "somebody was faster");
    assert!(!store.index(0, 600, &[row(7, &[550])]).await.unwrap(), "or had made it anew");
    assert_eq!(store.about(&[7]).await.unwrap().1, [[0, 9, 10, 499]]);
    for (from, to, rows) in [
        (501, 501, vec![]),
        (501, 510, vec![row(7, &[])]),
        (501, 510, vec![row(7, &[510])]),
        (501, 510, vec![row(7, &[502]), row(7, &[503])]),
    ] {
        store.index(from, to, &rows).await.unwrap_err();
    }

    store.drop_index().await.unwrap();
    assert_eq!(store.about(&[7]).await.unwrap(), (0, vec![vec![]]));
    assert!(
        !store.index(501, 510, &[row(7, &[505])]).await.unwrap(),
        "a dropped index begins at the beginning"
    );
    assert!(store.index(0, 600, &[row(7, &[0, 9, 10, 499, 505])]).await.unwrap());
    assert_eq!(store.about(&[7]).await.unwrap(), (600, vec![vec![0, 9, 10, 499, 505]]));
}

async fn two_nodes_take_the_index_on_and_one_wins(bed: Bed) {
    let (one, other) = (bed.open().await, bed.open().await);
    for step in 0..10u64 {
        let (from, to) = (step * 10, step * 10 + 10);
        let rows = [row(7, &[from, from + 9])];
        let (first, second) = tokio::join!(one.index(from, to, &rows), other.index(from, to, &rows));
        assert!(first.unwrap() ^ second.unwrap(), "step {step}");
    }
    let (reached, found) = one.about(&[7]).await.unwrap();
    assert_eq!((reached, found[0].len()), (100, 20));
    drop(one);
    assert_eq!(bed.open().await.about(&[7]).await.unwrap(), (reached, found), "and it is kept");
}

async fn sessions_come_and_go(bed: Bed) {
    let store = bed.open().await;
    let row =
        |id: u8, opened_us, seen_us| SessionRow { id: [id; 32], opened_us, seen_us, value: vec![id, 0] };
    for row in [row(1, 10, 10), row(2, 20, 20), row(3, 30, 30)] {
        store.put_session(&row).await.unwrap();
    }
    assert_eq!(store.session(&[2; 32]).await.unwrap(), Some(row(2, 20, 20)));
    assert_eq!(store.session(&[9; 32]).await.unwrap(), None);
    store.touch_session(&[2; 32], 55).await.unwrap();
    store.touch_session(&[2; 32], 50).await.unwrap();
    store.touch_session(&[9; 32], 50).await.unwrap();
    assert_eq!(store.session(&[2; 32]).await.unwrap(), Some(row(2, 20, 55)), "never back in time");
    assert_eq!(store.session(&[9; 32]).await.unwrap(), None, "what has ended is not begun again by a touch");
    assert_eq!(store.drop_sessions(11, 0).await.unwrap(), 1, "idle");
    assert_eq!(store.drop_sessions(0, 25).await.unwrap(), 1, "old, though it was in use");
    assert!(store.drop_session(&[3; 32]).await.unwrap() && !store.drop_session(&[3; 32]).await.unwrap());
    for id in [1, 2, 3] {
        assert_eq!(store.session(&[id; 32]).await.unwrap(), None);
    }
    assert!(!format!("{:?}", row(1, 1, 1)).contains('1'), "a session's id is not for logs");
}
