//! What an answer says and rests on.
use super::*;
use crate::unknown;
use events::Personal;
use events::answers::{Role, Turn};

#[tokio::test(start_paused = true)]
async fn an_answer_cites_the_sentence_that_it_rests_on_and_says_who_wrote_it() {
    let world = World::active().await;
    let answer = written(world.ask(WRITES, QUESTION).await);
    assert_eq!(
        text(&answer),
        "Only red torches are allowed on the terrace. [1] Bring one."
    );
    assert!(answer.known);
    let [citation] = &answer.citations[..] else {
        panic!("{:?}", answer.citations)
    };
    assert_eq!(
        (citation.document.as_str(), citation.name.as_str()),
        ("d1", "guide.pdf")
    );
    assert_eq!(
        (citation.page, citation.heading.as_str()),
        (Some(4), "Rules > Light")
    );
    assert_eq!(
        citation.quote,
        Personal::from("Only red torches are allowed on the terrace.")
    );
    assert_eq!(
        (
            answer.model.as_str(),
            answer.provider.as_str(),
            answer.usage.prompt_tokens
        ),
        ("m", "p", 7)
    );
    assert_eq!((answer.attempt, answer.visitor.as_str()), (1, "visitor"));
}

#[tokio::test(start_paused = true)]
async fn where_nothing_relevant_is_found_no_model_is_asked_and_it_says_so() {
    let world = World::active().await;
    let models = scripted(WRITES);
    let given = world.handler(&models, Vectors { down: false }).await;
    let answer = written(
        given
            .when(asked("Does the swimming pool have a sauna?"))
            .await,
    );
    assert_eq!(text(&answer), unknown::sentence(&[]));
    assert!(!answer.known && answer.citations.is_empty() && answer.model.is_empty());
    assert!(models.prompts.lock().expect("no panic").is_empty());
    assert_eq!(world.streamed().await, text(&answer));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cites_nothing_is_not_known() {
    let world = World::active().await;
    let answer = written(
        world
            .ask(Does::Writes(&["I am afraid I do not know."]), QUESTION)
            .await,
    );
    assert_eq!(
        (text(&answer), answer.known),
        ("I am afraid I do not know.", false)
    );
    let silent = written(world.ask(Does::Writes(&[]), QUESTION).await);
    assert_eq!(
        (text(&silent), silent.known),
        (unknown::sentence(&[]), false)
    );
}

#[tokio::test(start_paused = true)]
async fn a_follow_up_is_searched_with_what_it_refers_to_and_models_get_the_turns() {
    let world = World::active().await;
    let models = scripted(WRITES);
    let given = world.handler(&models, Vectors { down: false }).await;
    let turn = |role, text: &str| Turn {
        role,
        text: text.into(),
    };
    let turns = vec![
        turn(Role::Visitor, "Are dogs allowed?"),
        turn(Role::Chatbot, "They are welcome."),
    ];
    written(
        given
            .when(events::answers::WriteAnswer {
                turns,
                ..asked("And torches?")
            })
            .await,
    );
    let prompts = models.prompts.lock().expect("no panic");
    assert_eq!(prompts[0].before.len(), 2);
    assert_eq!(prompts[0].asked.query, "And torches? dogs allowed");
    assert_eq!(prompts[0].system, "You are Orla.");
    assert!(prompts[0].passages[0].text.starts_with("Only red torches"));
}

#[tokio::test(start_paused = true)]
async fn without_vectors_it_is_searched_by_words() {
    let world = World::active().await;
    let given = world
        .handler(&scripted(WRITES), Vectors { down: true })
        .await;
    assert!(written(given.when(asked(QUESTION)).await).known);
}
