//! What cannot be done: it is refused with a reason, becomes a dead letter, and what is beside it goes on.
use super::cluster::{Cluster, LETTERS};
use super::history::{History, Record};
use super::load::{Amount, Caller, Load, Told};
use super::upstream::{COMMANDS, INBOX, UPLOADED, Upstream, framed, takes};
use super::with_cluster;
use events::chatbots::PauseChatbot;
use events::record::Record as _;
use rdkafka::error::RDKafkaErrorCode;
use reqwest::Method;

const FEW: Amount = Amount {
    documents: 3,
    conversations: 0,
    questions: 0,
    uploaders: 0,
};
/// What `troupe topics apply` gives a topic.
const USUAL: usize = 1_048_588;

fn upstream(cluster: &Cluster) -> Upstream {
    Upstream::new(&cluster.servers.bootstrap(), &cluster.servers.registry())
}

/// The one dead letter of a key, with this code.
#[track_caller]
fn letter<'h>(history: &'h History, topic: &str, id: &str, code: &str) -> &'h Record {
    let key = format!("{LETTERS}/{id}");
    let all: Vec<_> = history
        .of(topic)
        .iter()
        .filter(|one| one.key == key)
        .collect();
    assert_eq!(all.len(), 1, "dead letters of {key}: {all:#?}");
    assert_eq!(all[0].header("dlq-code"), code, "{all:#?}");
    assert!(!all[0].header("dlq-message").is_empty(), "a reason");
    all[0]
}

/// A sound document of upstream, in hand when the others are refused.
async fn sound(upstream: &Upstream, caller: &Caller, document: &str) -> Told {
    let (id, _) = upstream.latest(UPLOADED).await;
    let payload = framed(id, &upstream.uploaded(caller, document).await);
    let published = upstream
        .publish(INBOX, (LETTERS, document), &payload, &[])
        .await;
    assert_eq!(published, Ok(()));
    Told {
        documents: [(document.to_owned(), format!("{document}.md"))].into(),
        ..Told::default()
    }
}

/// As the topics are, the broker refuses it. If an operator lets it in, the border does (G2).
#[test]
fn two_megabytes_on_an_inbox_are_refused_and_the_rest_goes_on() {
    with_cluster(async |cluster| {
        let caller = cluster.tenant(LETTERS).await;
        let upstream = upstream(cluster);
        let (id, _) = upstream.latest(UPLOADED).await;
        let mut huge = framed(id, &upstream.uploaded(&caller, "huge").await);
        huge.resize(2 << 20, 0);
        let published = upstream.publish(INBOX, (LETTERS, "huge"), &huge, &[]).await;
        assert_eq!(published, Err(RDKafkaErrorCode::MessageSizeTooLarge));

        let bootstrap = cluster.servers.bootstrap();
        takes(&bootstrap, INBOX, 3 * USUAL).await;
        takes(&bootstrap, "documents.border.dead", 6 * USUAL).await;
        let published = upstream.publish(INBOX, (LETTERS, "huge"), &huge, &[]).await;
        assert_eq!(published, Ok(()), "it is let in");
        let told = sound(&upstream, &caller, "beside-the-huge").await;
        let told = told.and(Load::start(&caller, "beside-the-huge", FEW).finish().await);
        let history = cluster.check(&caller, &told).await;
        let letter = letter(
            &history,
            "documents.border.dead",
            "huge",
            "runtime.too_large",
        );
        assert_eq!(letter.bytes, huge.len(), "as it was");
        takes(&bootstrap, INBOX, USUAL).await;
        takes(&bootstrap, "documents.border.dead", 2 * USUAL).await;
    });
}

/// K4: whoever asks names where the answer goes, and not every place is his to name. Nothing of what he asks is done.
#[test]
fn an_answer_to_nowhere_or_into_commands_is_a_dead_letter_and_the_rest_goes_on() {
    with_cluster(async |cluster| {
        let caller = cluster.tenant(LETTERS).await;
        let upstream = upstream(cluster);
        let subject = format!("{COMMANDS}-{}", PauseChatbot::NAME);
        let (id, _) = upstream.latest(&subject).await;
        let pause = async |chatbot: &str, to: &str| {
            let command = PauseChatbot {
                chatbot: chatbot.into(),
            };
            let datum = PauseChatbot::schema().encode(&command).expect("encodes");
            let more = [("reply-to", to), ("correlation-id", chatbot)];
            let key = (LETTERS, chatbot);
            let payload = framed(id, &datum);
            let published = upstream.publish(COMMANDS, key, &payload, &more);
            assert_eq!(published.await, Ok(()));
        };
        // A topic that is not there; an input; an input that takes internal answers; the edges' own.
        let cases = [
            ("to-nowhere", "nowhere.at-all"),
            ("to-commands", "chatbots.chatbot"),
            ("to-answers", "documents.document"),
            ("to-edges", "replies"),
        ];
        for (chatbot, topic) in cases {
            pause(chatbot, topic).await;
        }
        pause("bot", "replies.upstream").await;
        let told = sound(&upstream, &caller, "beside-the-answers").await;
        let told = told.and(
            Load::start(&caller, "beside-the-answers", FEW)
                .finish()
                .await,
        );
        let history = cluster.check(&caller, &told).await;
        let answers = |asked: &str| {
            let answers = history.topics.values().flatten().filter(|one| {
                !one.header("reply-status").is_empty() && one.header("correlation-id") == asked
            });
            answers
                .map(|one| one.header("reply-status").to_owned())
                .collect::<Vec<_>>()
        };
        for (chatbot, topic) in cases {
            let letter = letter(
                &history,
                "chatbots.commands.dead",
                chatbot,
                "runtime.invalid_reply_to",
            );
            assert!(letter.header("dlq-message").contains(topic), "{letter:#?}");
            assert_eq!(answers(chatbot), [""; 0]);
            let key = format!("{LETTERS}/{chatbot}");
            assert_eq!(
                history.said("chatbots.chatbot", &key),
                0,
                "nothing was asked of it"
            );
        }
        assert_eq!(answers("bot"), ["done"]);
        // The next test finds it as it was.
        let resume = || caller.request(Method::POST, "/v1/chatbots/bot/resume");
        assert_eq!(caller.insist(resume).await.status, 200);
    });
}

/// K4: one output that its topic does not take is the verdict of its message alone; who asked is told.
#[test]
fn an_output_that_is_too_large_is_a_dead_letter_and_the_rest_goes_on() {
    with_cluster(async |cluster| {
        let caller = cluster.tenant(LETTERS).await;
        let bootstrap = cluster.servers.bootstrap();
        // What a document is now takes a few hundred bytes, unless its name is long.
        takes(&bootstrap, "document.changed", 1_700).await;
        // What a topic takes is looked at every half minute; a new process looks at once.
        cluster.take_oldest("documents").stop().await;
        cluster.start("documents").await;
        let name = "🗼".repeat(240);
        let load = Load::start(&caller, "beside-the-long", FEW);
        let long = caller.upload_once("the-long", &name).await;
        let ended = caller.outcome(&long).await;
        assert_eq!(ended["status"], "failed", "{ended}");
        assert!(
            ended.to_string().contains("runtime.output_refused"),
            "{ended}"
        );
        let told = load.finish().await;
        let history = cluster.check(&caller, &told).await;
        letter(
            &history,
            "documents.document.dead",
            &long,
            "runtime.output_refused",
        );
        takes(&bootstrap, "document.changed", USUAL).await;
        cluster.take_oldest("documents").stop().await;
        cluster.start("documents").await;
    });
}
