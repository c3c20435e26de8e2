//! Which questions are not answered, and what each failure means.
use super::*;
use events::Personal;
use runtime::{Retry, Verdict};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn only_an_active_chatbot_answers() {
    let refused = || Verdict::Refuse("answers.chatbot_not_active");
    for state in [
        ChatbotState::Paused,
        ChatbotState::Retiring,
        ChatbotState::Removed,
    ] {
        World::with(state)
            .await
            .ask(WRITES, QUESTION)
            .await
            .fails(refused());
    }
    // The view may lag behind a creation: it is waited for, twice.
    for state in [ChatbotState::Unknown, ChatbotState::Registered] {
        let world = World::with(state).await;
        world
            .ask(WRITES, QUESTION)
            .await
            .fails(Verdict::Retry(Retry::After(Duration::from_millis(150))));
        let given = world
            .handler(&scripted(WRITES), Vectors { down: false })
            .await
            .at(|at| at.attempt = 2);
        given.when(asked(QUESTION)).await.fails(refused());
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_none_is_refused() {
    let world = World::active().await;
    world
        .ask(WRITES, " \n")
        .await
        .fails(Verdict::Refuse("answers.question_empty"));
    world
        .ask(WRITES, &"x".repeat(8_001))
        .await
        .fails(Verdict::Refuse("answers.question_too_long"));
    let given = world
        .handler(&scripted(WRITES), Vectors { down: false })
        .await;
    let erased = events::answers::WriteAnswer {
        text: Personal::Erased,
        ..asked("")
    };
    given
        .when(erased)
        .await
        .fails(Verdict::Refuse("answers.question_erased"));
}

#[tokio::test(start_paused = true)]
async fn a_model_that_fails_has_the_verdict_of_its_failure() {
    let world = World::active().await;
    let endpoint = || "model/test".to_owned();
    let fails = |e| world.ask(Does::Fails(e), QUESTION);
    fails(down())
        .await
        .fails(Verdict::Retry(Retry::WhenUp(endpoint())));
    let wait = Duration::from_secs(7);
    fails(ModelError::Busy {
        endpoint: endpoint(),
        wait,
    })
    .await
    .fails(Verdict::Retry(Retry::After(wait)));
    let why = String::new;
    let refused = ModelError::Refused {
        endpoint: endpoint(),
        why: why(),
    };
    fails(refused)
        .await
        .fails(Verdict::DeadLetter("answers.model_refused"));
    fails(ModelError::Nonsense {
        endpoint: endpoint(),
        why: why(),
    })
    .await
    .fails(Verdict::Retry(Retry::Backoff));
}
