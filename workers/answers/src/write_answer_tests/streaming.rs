//! What is shown while an answer is written.
use super::*;
use runtime::reply;

#[tokio::test(start_paused = true)]
async fn what_is_streamed_is_the_answer_numbered_from_0_and_only_the_first_piece_resets() {
    let world = World::active().await;
    let answer = written(world.ask(WRITES, QUESTION).await);
    assert_eq!(world.streamed().await, text(&answer));
    let deltas = world.deltas().await;
    assert_eq!(deltas.len() as i64, answer.deltas);
    for (delta, n) in deltas.iter().zip(0..) {
        assert_eq!((delta.n, delta.reset, delta.attempt), (n, n == 0, 1));
    }
    let message = &world.sim.messages("answers.deltas")[0];
    assert!(
        !String::from_utf8_lossy(&message.payload).contains("torches"),
        "personal fields are sealed"
    );
}

#[tokio::test(start_paused = true)]
async fn a_second_attempt_resets_and_carries_its_number() {
    let world = World::active().await;
    let models = scripted(WRITES);
    let given = world
        .handler(&models, Vectors { down: false })
        .await
        .at(|at| at.attempt = 1);
    let answer = written(given.when(asked(QUESTION)).await);
    assert_eq!(answer.attempt, 2);
    let first = &world.deltas().await[0];
    assert_eq!((first.attempt, first.reset), (2, true));
}

#[tokio::test(start_paused = true)]
async fn deltas_that_cannot_be_sent_do_not_hold_back_the_answer() {
    let world = World::active().await;
    let streamed = written(world.ask(WRITES, QUESTION).await);
    let given = world
        .handler(&scripted(WRITES), Vectors { down: false })
        .await;
    let nowhere = Arc::new(runtime::testkit::nowhere::Nowhere);
    let then = given
        .with_ports(|ports| ports.log = nowhere)
        .when(asked(QUESTION))
        .await;
    let tried = then.outcome.as_ref().map(|emits| emits.0.len());
    assert_eq!(tried.expect("an answer"), 1);
    then.emits(reply(AnswerWritten {
        deltas: 1,
        ..streamed
    }));
}
