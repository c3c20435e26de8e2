use super::chat::{endpoint, prompt};
use super::liar::{Act, Liar, response, stream, whole_stream, words};
use crate::{Endpoint, ExtractiveAnswerer, Model, OpenAiChat, Preference};
use answers::ports::{Models, Piece, Written, pieces};
use answers::prompt::Prompt;
use answers::understand::understand;
use runtime::breaker::Breakers;
use runtime::ports::providers::ModelError;
use runtime::testkit::nowhere::StillClock;
use std::sync::Arc;
use std::time::Duration;

fn model(name: &str, liar: &Liar) -> Model {
    let impatient = Endpoint {
        first_ms: 150,
        silence_ms: 150,
        ..endpoint(name, &liar.base_url)
    };
    Model::OpenAi(OpenAiChat::new(impatient).expect("an endpoint"))
}
fn preference(models: Vec<Model>) -> Preference {
    Preference::new(models, Breakers::new(Arc::new(StillClock::default())))
}
async fn ask(
    preference: &Preference,
    prompt: &Prompt,
) -> (Result<Written, ModelError>, Vec<Piece>) {
    let (mut to, mut from) = pieces();
    let written = preference.answer(prompt, &mut to).await;
    drop(to);
    let mut written_pieces = vec![];
    while let Ok(piece) = from.try_recv() {
        written_pieces.push(piece);
    }
    (written, written_pieces)
}
fn answers(text: &str) -> Act {
    Act::Send(whole_stream(&[&words(text), "[DONE]"]))
}
fn text(text: &str) -> Piece {
    Piece::Text(text.into())
}

#[tokio::test]
async fn the_preferred_model_answers_while_it_can() {
    let (first, second) = (
        Liar::that(vec![answers("One.")]).await,
        Liar::that(vec![answers("Two.")]).await,
    );
    let preference = preference(vec![model("first", &first), model("second", &second)]);
    let (written, said) = ask(&preference, &prompt()).await;
    assert_eq!(written.map(|written| written.provider), Ok("first".into()));
    assert_eq!(said, [text("One.")]);
    assert!(second.heard().is_empty());
}

#[tokio::test]
async fn the_next_one_answers_whatever_befalls_the_first_and_nothing_of_the_first_is_left() {
    for befalls in [
        Act::Hang(vec![]),
        Act::Send(vec![]),
        Act::Send(response("500 Internal Server Error", "", "")),
        Act::Send(response("429 Too Many Requests", "", "")),
        Act::Send(response("401 Unauthorized", "", "")),
        Act::Send(whole_stream(&["nonsense"])),
    ] {
        let (first, second) = (
            Liar::that(vec![befalls.clone()]).await,
            Liar::that(vec![answers("Two.")]).await,
        );
        let (written, said) = ask(
            &preference(vec![model("first", &first), model("second", &second)]),
            &prompt(),
        )
        .await;
        assert_eq!(
            written.map(|written| written.provider),
            Ok("second".into()),
            "{befalls:?}"
        );
        assert_eq!(said, [text("Two.")]);
    }
    let cut = Act::Send(stream(&[&words("On")]));
    let (first, second) = (
        Liar::that(vec![cut]).await,
        Liar::that(vec![answers("Two.")]).await,
    );
    let (written, said) = ask(
        &preference(vec![model("first", &first), model("second", &second)]),
        &prompt(),
    )
    .await;
    assert_eq!(written.map(|written| written.provider), Ok("second".into()));
    assert_eq!(said, [text("On"), Piece::Again, text("Two.")]);
}

#[tokio::test]
async fn a_model_that_keeps_failing_is_not_asked_for_a_while() {
    let broken = Act::Send(response("500 Internal Server Error", "", ""));
    let (first, second) = (
        Liar::that(vec![broken]).await,
        Liar::that(vec![answers("Two.")]).await,
    );
    let preference = preference(vec![model("first", &first), model("second", &second)]);
    for _ in 0..6 {
        assert!(ask(&preference, &prompt()).await.0.is_ok());
    }
    assert_eq!((first.heard().len(), second.heard().len()), (3, 6));
}

#[tokio::test]
async fn a_key_that_is_refused_does_not_open_the_breaker() {
    let refuses = Liar::that(vec![Act::Send(response("401 Unauthorized", "", "no"))]).await;
    let preference = preference(vec![model("first", &refuses)]);
    for _ in 0..5 {
        let (written, _) = ask(&preference, &prompt()).await;
        assert!(
            matches!(written, Err(ModelError::Refused { .. })),
            "{written:?}"
        );
    }
    assert_eq!(refuses.heard().len(), 5);
}

#[tokio::test]
async fn if_none_can_the_first_that_is_worth_waiting_for_is_waited_for() {
    let refuses = Liar::that(vec![Act::Send(response("401 Unauthorized", "", "no"))]).await;
    let busy = Liar::that(vec![Act::Send(response(
        "429 Too Many Requests",
        "retry-after: 3\r\n",
        "",
    ))])
    .await;
    let both = preference(vec![model("refuses", &refuses), model("busy", &busy)]);
    let wanted = ModelError::Busy {
        endpoint: "model/busy".into(),
        wait: Duration::from_secs(3),
    };
    assert_eq!(ask(&both, &prompt()).await.0, Err(wanted));
    assert!(matches!(
        ask(&preference(vec![]), &prompt()).await.0,
        Err(ModelError::Refused { .. })
    ));
}

#[tokio::test]
async fn the_offline_answerer_may_be_the_last_resort() {
    let hangs = Liar::that(vec![Act::Hang(vec![])]).await;
    let last = preference(vec![
        model("first", &hangs),
        Model::Extractive(ExtractiveAnswerer),
    ]);
    let asked = understand("Which torches?", &[]);
    let (written, said) = ask(&last, &Prompt { asked, ..prompt() }).await;
    assert_eq!(
        written.map(|written| written.provider),
        Ok("offline".into())
    );
    assert_eq!(said, [text("Only red torches."), Piece::Cite(0)]);
}
