use super::*;
use proptest::prelude::*;
use std::collections::HashSet;
use uuid::Uuid;

fn asset(number: usize) -> AssetId {
    AssetId(Uuid::from_u128(number as u128))
}

fn campaign(waves: Waves) -> Campaign {
    Campaign { status: Status::Running, waves, windows: Vec::new(), valid_until: None, counted_since: UnixMs(0) }
}

fn members(waves: &Waves, count: usize) -> Vec<Member> {
    let of = waves.of_members(count).into_iter().enumerate();
    of.map(|(at, wave)| Member { asset: asset(at), wave, status: MemberStatus::Waiting, changed: UnixMs(0) }).collect()
}

const WAVES: Waves = Waves { canary: 1, growth: 2, max: None, soak_s: 10, halt_after: 1, count: Counting::Overall };

fn end(members: &mut [Member], at: usize, status: MemberStatus, now: u64) {
    (members[at].status, members[at].changed) = (status, UnixMs(now));
}

#[test]
fn the_canary_goes_first_and_the_rest_waits_for_its_end_and_the_soak() {
    let campaign = campaign(WAVES);
    let mut members = members(&WAVES, 4);
    let admit = |wave, at: &[usize]| Decision::Admit {
        wave,
        members: at.iter().map(|at| asset(*at)).collect(),
        until: UnixMs(u64::MAX),
    };
    assert_eq!(decide(&campaign, &members, UnixMs(1)), admit(1, &[0]));
    end(&mut members, 0, MemberStatus::Admitted, 2);
    assert_eq!(
        decide(&campaign, &members, UnixMs(3)),
        Decision::Hold { why: "wave 1 is under way".into(), again: None }
    );
    end(&mut members, 0, MemberStatus::Done, 1_000);
    let held = decide(&campaign, &members, UnixMs(10_999));
    assert!(matches!(held, Decision::Hold { again: Some(UnixMs(11_000)), .. }), "{held:?}");
    assert_eq!(decide(&campaign, &members, UnixMs(11_000)), admit(2, &[1, 2]));
}

#[test]
fn a_failed_canary_halts_until_a_person_goes_on() {
    let mut campaign = campaign(WAVES);
    let mut members = members(&WAVES, 4);
    end(&mut members, 0, MemberStatus::Recovery, 5);
    assert_eq!(
        decide(&campaign, &members, UnixMs(6)),
        Decision::Halt { why: "1 went to recovery, and 1 are too many".into(), asset: Some(asset(0)) }
    );
    campaign.counted_since = UnixMs(7);
    assert!(matches!(decide(&campaign, &members, UnixMs(20_000)), Decision::Admit { wave: 2, .. }));
    // The next one halts it anew.
    end(&mut members, 1, MemberStatus::Recovery, 20_001);
    assert!(matches!(decide(&campaign, &members, UnixMs(20_001)), Decision::Halt { .. }));
}

#[test]
fn a_wave_that_showed_nothing_is_no_canary() {
    let mut members = members(&WAVES, 3);
    end(&mut members, 0, MemberStatus::Skipped, 5);
    assert_eq!(
        decide(&campaign(WAVES), &members, UnixMs(99_999)),
        Decision::Halt { why: "nobody of wave 1 reached its versions".into(), asset: Some(asset(0)) }
    );
}

#[test]
fn its_time_ends_and_then_it_does() {
    let campaign = Campaign { valid_until: Some(UnixMs(50)), ..campaign(WAVES) };
    let mut members = members(&WAVES, 2);
    assert!(matches!(decide(&campaign, &members, UnixMs(49)), Decision::Admit { until: UnixMs(50), .. }));
    assert!(matches!(decide(&campaign, &members, UnixMs(50)), Decision::Close { .. }));
    end(&mut members, 0, MemberStatus::Admitted, 49);
    end(&mut members, 1, MemberStatus::Skipped, 50);
    assert!(matches!(decide(&campaign, &members, UnixMs(51)), Decision::Hold { .. }));
    end(&mut members, 0, MemberStatus::Done, 52);
    assert_eq!(decide(&campaign, &members, UnixMs(53)), Decision::Finish);
}

/// What happens in a campaign's life.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// Senzu looks, and does what was decided.
    Look,
    Pass(u64),
    /// One of those that are admitted ends.
    End(usize, MemberStatus),
    Pause,
    Resume,
    Abort,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => Just(Event::Look),
        4 => (0..20_000_u64).prop_map(Event::Pass),
        6 => (0..10_usize, prop_oneof![6 => Just(MemberStatus::Done), 1 => Just(MemberStatus::Recovery), 1 => Just(MemberStatus::Impossible)]).prop_map(|(at, status)| Event::End(at, status)),
        1 => Just(Event::Pause),
        2 => Just(Event::Resume),
        1 => Just(Event::Abort),
    ]
}

fn waves() -> impl Strategy<Value = Waves> {
    (1..4_u32, 1..4_u32, proptest::option::of(1..6_u32), 0..15_u64, any::<bool>(), any::<u8>()).prop_map(
        |(canary, growth, max, soak_s, overall, failures)| Waves {
            canary,
            growth,
            max,
            soak_s,
            halt_after: 1 + u32::from(failures) % canary,
            count: if overall { Counting::Overall } else { Counting::Wave },
        },
    )
}

proptest! {
    #[test]
    fn nobody_comes_before_their_time_and_nobody_twice(waves in waves(), count in 1..25_usize, has_window: bool, events in proptest::collection::vec(event(), 0..300)) {
        let mut campaign = campaign(waves.clone());
        let mut members = members(&waves, count);
        // 1 January 1970 was a Thursday: open for the first minute, and again a week later.
        if has_window {
            campaign.windows = vec![Window { days: vec![crate::campaign::spec::Day::Thu], from: "00:00".into(), to: "00:01".into() }];
        }
        let (mut now, mut admitted) = (1_u64, HashSet::new());
        for event in events {
            now += 1;
            match event {
                Event::Pass(ms) => now += ms,
                Event::Pause if campaign.status == Status::Running => campaign.status = Status::Paused,
                Event::Resume if campaign.status == Status::Paused => campaign.status = Status::Running,
                Event::Resume if campaign.status == Status::Halted => {
                    campaign.status = Status::Running;
                    campaign.counted_since = UnixMs(now);
                }
                Event::Abort => campaign.status = Status::Aborted,
                Event::Pause | Event::Resume => {}
                Event::End(at, status) => {
                    let mut open = members.iter_mut().filter(|member| member.status == MemberStatus::Admitted);
                    if let Some(member) = open.nth(at) {
                        (member.status, member.changed) = (status, UnixMs(now));
                    }
                }
                Event::Look => {
                    let failed = members.iter().filter(|member| member.status == MemberStatus::Recovery && member.changed > campaign.counted_since).count();
                    let has_ended = members.iter().all(|member| member.status.has_ended());
                    let decision = decide(&campaign, &members, UnixMs(now));
                    prop_assert_eq!(&decision, &decide(&campaign, &members, UnixMs(now)));
                    if campaign.status != Status::Running {
                        let is_held = matches!(decision, Decision::Hold { .. });
                        prop_assert!(is_held);
                        continue;
                    }
                    prop_assert_eq!(has_ended, decision == Decision::Finish);
                    if waves.count == Counting::Overall && !has_ended && failed >= waves.halt_after as usize {
                        let is_halted = matches!(decision, Decision::Halt { .. });
                        prop_assert!(is_halted);
                    }
                    match decision {
                        Decision::Admit { wave, members: next, until } => {
                            prop_assert!(until.0 > now);
                            prop_assert!(!has_window || now % (7 * 86_400_000) < 60_000);
                            prop_assert!(waves.count == Counting::Wave || failed < waves.halt_after as usize);
                            let before = || members.iter().filter(|member| member.wave < wave);
                            prop_assert!(before().all(|member| member.status.has_ended()));
                            prop_assert!(before().all(|member| member.changed.0 + waves.soak_s * 1000 <= now));
                            for one in next {
                                prop_assert!(admitted.insert(one), "{one} twice");
                                let Some(member) = members.iter_mut().find(|member| member.asset == one) else { continue };
                                prop_assert_eq!(member.wave, wave);
                                (member.status, member.changed) = (MemberStatus::Admitted, UnixMs(now));
                            }
                        }
                        Decision::Halt { asset, .. } => {
                            // No sooner than at so many, unless a whole wave came to nothing.
                            let is_vain = members.iter().map(|member| member.wave).collect::<HashSet<_>>().into_iter().any(|wave| {
                                members.iter().filter(|member| member.wave == wave).all(|member| member.status.has_ended() && member.status != MemberStatus::Done)
                            });
                            prop_assert!(failed >= waves.halt_after as usize || is_vain);
                            prop_assert!(asset.is_some());
                            campaign.status = Status::Halted;
                        }
                        Decision::Finish => campaign.status = Status::Finished,
                        Decision::Hold { again, .. } => prop_assert!(again.is_none_or(|again| again.0 > now)),
                        Decision::Close { .. } => prop_assert!(false, "it has no end"),
                    }
                }
            }
        }
    }
}
