//! What happens in a conversation.
use super::*;
use crate::RETENTION_MS;
use events::answers::{Usage, WriteAnswer};
use events::conversations::{
    Answered, ConversationEnded, QuestionAnswered, QuestionAsked, QuestionFailed,
};
use events::{Personal, ReplyStatus, reply};
use runtime::testkit::entities::{Given, Then, asker, given};
use runtime::{Emits, emit};

fn question(id: &str, text: &str) -> AskQuestion {
    AskQuestion {
        question: id.into(),
        conversation: "e1".into(),
        chatbot: "bot".into(),
        visitor: "v1".into(),
        text: text.into(),
    }
}
fn asked_event(id: &str, text: &str) -> QuestionAsked {
    let AskQuestion {
        question,
        conversation,
        chatbot,
        visitor,
        text,
    } = question(id, text);
    QuestionAsked {
        question,
        conversation,
        chatbot,
        visitor,
        text,
    }
}
fn write(id: &str, text: &str, turns: &[(Role, &str)]) -> WriteAnswer {
    let turn = |(role, text): &(Role, &str)| Turn {
        role: *role,
        text: (*text).into(),
    };
    WriteAnswer {
        question: id.into(),
        conversation: "e1".into(),
        chatbot: "bot".into(),
        visitor: "v1".into(),
        text: text.into(),
        turns: turns.iter().map(turn).collect(),
    }
}
fn failed_event(id: &str, code: &str, reason: &str) -> QuestionFailed {
    QuestionFailed {
        question: id.into(),
        conversation: "e1".into(),
        chatbot: "bot".into(),
        visitor: "v1".into(),
        code: code.into(),
        reason: reason.into(),
    }
}
fn ended() -> ConversationEnded {
    ConversationEnded {
        conversation: "e1".into(),
        chatbot: "bot".into(),
        visitor: "v1".into(),
        endings: 1,
    }
}
fn ask(conversation: Given<Conversation>, id: &str, text: &str) -> Then<Conversation> {
    let key = format!("key-{id}");
    let asking = conversation.at(|at| {
        (at.request, at.reply_status) = (None, None);
        (at.reply_to, at.idempotency_key) = (Some(asker(id)), key);
    });
    asking.when(ConversationMessage::Ask(question(id, text)))
}
fn written(id: &str) -> AnswerWritten {
    AnswerWritten {
        question: id.into(),
        visitor: "v1".into(),
        text: "At nine.".into(),
        known: true,
        model: "extractive".into(),
        provider: "offline".into(),
        usage: Usage {
            prompt_tokens: 3,
            completion_tokens: 2,
        },
        attempt: 1,
        deltas: 2,
        ..AnswerWritten::default()
    }
}
fn answer(conversation: Given<Conversation>, id: &str) -> Then<Conversation> {
    let answering = conversation.answering(id, ReplyStatus::Done);
    answering.when(ConversationMessage::Written(written(id)))
}
fn refuse(conversation: Given<Conversation>, id: &str) -> Then<Conversation> {
    let said = Refused {
        code: "answers.paused".into(),
        message: "the chatbot is paused".into(),
    };
    let answering = conversation.answering(id, ReplyStatus::Refused);
    answering.when(ConversationMessage::Refused(said))
}
fn woke(conversation: Given<Conversation>, at_ms: i64) -> Then<Conversation> {
    let waking = conversation.at(|at| {
        (at.request, at.reply_status, at.reply_to, at.now_ms) = (None, None, None, at_ms);
    });
    waking.when(ConversationMessage::Woke(Woke { at_ms }))
}
fn end(conversation: Given<Conversation>) -> Then<Conversation> {
    let ending = conversation.at(|at| {
        (at.request, at.reply_status, at.reply_to) = (None, None, Some(asker("ender")));
    });
    ending.when(ConversationMessage::End(EndConversation {
        conversation: "e1".into(),
    }))
}
fn open() -> Given<Conversation> {
    given(Conversation::default())
}
fn asking() -> Given<Conversation> {
    ask(open(), "q1", "When do you open?").and_then()
}
fn answered() -> Given<Conversation> {
    answer(asking(), "q1").and_then()
}

#[test]
fn a_question_is_told_to_everybody_and_answered_by_somebody() {
    let then = ask(open(), "q1", "When do you open?").wakes_at(SILENCE_MS);
    let said = emit(asked_event("q1", "When do you open?"));
    then.emits(
        said.ask(write("q1", "When do you open?", &[]), "q1")
            .keyed("key-q1"),
    );
}
#[test]
fn the_deadline_goes_with_the_question() {
    let then = ask(open().at(|at| at.deadline_ms = Some(30_000)), "q1", "When?");
    let said = emit(asked_event("q1", "When?")).ask(write("q1", "When?", &[]), "q1");
    then.emits(said.keyed("key-q1").by(30_000));
}
#[test]
fn an_answer_reaches_who_asked_and_the_histories() {
    let then = answer(asking(), "q1").wakes_at(1_000 + 2 * SILENCE_MS);
    let AnswerWritten {
        text,
        known,
        model,
        provider,
        usage,
        attempt,
        deltas,
        ..
    } = written("q1");
    let event = QuestionAnswered {
        question: "q1".into(),
        conversation: "e1".into(),
        chatbot: "bot".into(),
        visitor: "v1".into(),
        asked: "When do you open?".into(),
        text: text.clone(),
        known,
        citations: vec![],
        model: model.clone(),
        provider: provider.clone(),
        usage: usage.clone(),
        endings: 0,
    };
    let done = Answered {
        question: "q1".into(),
        conversation: "e1".into(),
        visitor: "v1".into(),
        text,
        known,
        citations: vec![],
        model,
        provider,
        usage,
        attempt,
        deltas,
    };
    then.emits(emit(event).answer(asker("q1"), done));
}
#[test]
fn a_follow_up_goes_with_what_was_said_before() {
    let then = ask(answered(), "q2", "And on Sunday?");
    let before = [
        (Role::Visitor, "When do you open?"),
        (Role::Chatbot, "At nine."),
    ];
    let said = emit(asked_event("q2", "And on Sunday?"));
    then.emits(
        said.ask(write("q2", "And on Sunday?", &before), "q2")
            .keyed("key-q2"),
    );
}
#[test]
fn only_the_latest_turns_go_along_and_only_so_many_are_remembered() {
    let mut conversation = open();
    for n in 0..MAX_TURNS {
        let id = format!("q{n}");
        conversation = answer(ask(conversation, &id, "When?").and_then(), &id).and_then();
    }
    let then = ask(conversation, "last", "When?");
    assert_eq!(
        (then.state().turns.len(), then.state().told().len()),
        (MAX_TURNS, TURNS_TOLD)
    );
}
#[test]
fn one_question_is_answered_at_a_time_and_the_others_in_order() {
    let queued = ask(asking(), "q2", "And on Sunday?");
    let queued = queued
        .emits(emit(asked_event("q2", "And on Sunday?")))
        .and_then();
    let queued = ask(queued, "q3", "Why?").and_then();
    let then = refuse(queued, "q1");
    let why = "the chatbot is paused";
    let said = emit(failed_event("q1", "answers.paused", why));
    let said = said.answer_refused(asker("q1"), "answers.paused", why);
    let then = then.emits(
        said.ask(write("q2", "And on Sunday?", &[]), "q2")
            .keyed("key-q2"),
    );
    let questions: Vec<_> = then
        .state()
        .queue
        .iter()
        .map(|waiting| &waiting.question)
        .collect();
    assert_eq!(questions, ["q3"]);
}
#[test]
fn a_visitor_who_does_not_wait_is_busy_in_the_end() {
    let mut conversation = asking();
    for n in 0..MAX_QUEUE {
        conversation = ask(conversation, &format!("more-{n}"), "Well?").and_then();
    }
    ask(conversation, "one-too-many", "Well?").refuses("conversations.busy");
}
#[test]
fn a_question_whose_deadline_passed_in_the_queue_is_refused() {
    let queued = ask(
        asking().at(|at| at.deadline_ms = Some(1_500)),
        "q2",
        "Well?",
    )
    .and_then();
    let then = refuse(queued, "q1");
    let (why, late) = ("the chatbot is paused", "nobody began to answer it in time");
    let said = emit(failed_event("q1", "answers.paused", why));
    let said = said.answer_refused(asker("q1"), "answers.paused", why);
    let said =
        said.and(failed_event("q2", EXPIRED, late))
            .answer_refused(asker("q2"), EXPIRED, late);
    then.emits(said);
}
#[test]
fn a_failure_is_told_to_who_asked_as_it_was() {
    let (code, why) = ("runtime.attempts", "the model is down");
    let failed = Failed {
        code: code.into(),
        message: why.into(),
        may_have_happened: true,
    };
    let answering = asking().answering("q1", ReplyStatus::Failed);
    let then = answering.when(ConversationMessage::Failed(failed));
    then.emits(emit(failed_event("q1", code, why)).answer_failed(asker("q1"), code, why, true));
}
#[test]
fn silence_is_a_failure_and_an_answer_after_it_means_nothing() {
    woke(asking(), SILENCE_MS - 1).stays().emits_nothing();
    let then = woke(asking(), SILENCE_MS);
    let why = "no answer came in time";
    let said = emit(failed_event("q1", SILENCE, why));
    let then = then.emits(said.answer_failed(asker("q1"), SILENCE, why, true));
    answer(then.and_then(), "q1").stays().emits_nothing();
}
#[test]
fn who_asks_after_a_long_silence_does_not_wait_behind_it() {
    let then = ask(asking().at(|at| at.now_ms = SILENCE_MS), "q2", "Hello?");
    let why = "no answer came in time";
    let said = emit(failed_event("q1", SILENCE, why));
    let said = said.answer_failed(asker("q1"), SILENCE, why, true);
    let said = said.and(asked_event("q2", "Hello?"));
    then.emits(said.ask(write("q2", "Hello?", &[]), "q2").keyed("key-q2"));
}
#[test]
fn an_answer_to_another_question_means_nothing() {
    answer(asking(), "q0").stays().emits_nothing();
    refuse(asking(), "q0").stays().emits_nothing();
}
#[test]
fn the_first_question_fixes_who_talks_with_whom() {
    let stranger = AskQuestion {
        visitor: "v2".into(),
        ..question("q2", "Well?")
    };
    answered()
        .when(ConversationMessage::Ask(stranger))
        .refuses("conversations.not_yours");
    let other = AskQuestion {
        chatbot: "bot2".into(),
        ..question("q2", "Well?")
    };
    answered()
        .when(ConversationMessage::Ask(other.clone()))
        .refuses("conversations.not_yours");
    let ended = end(answered()).and_then();
    ended
        .when(ConversationMessage::Ask(other))
        .refuses("conversations.not_yours");
}
#[test]
fn what_is_no_question_is_refused() {
    ask(open(), "q1", " \n").refuses("conversations.empty_question");
    ask(open(), "q1", &"x".repeat(MAX_QUESTION + 1)).refuses("conversations.question_too_long");
    let erased = AskQuestion {
        text: Personal::Erased,
        ..question("q1", "")
    };
    open()
        .when(ConversationMessage::Ask(erased))
        .refuses("conversations.erased");
}
#[test]
fn a_question_asked_again_is_answered_once() {
    let again = asking().at(|at| at.reply_to = Some(asker("again")));
    let again = again.when(ConversationMessage::Ask(question(
        "q1",
        "When do you open?",
    )));
    let again = again.emits_nothing();
    let waiting = again.state().current.clone().expect("it is being answered");
    assert_eq!(waiting.asker, Some(asker("again")));
    ask(answered(), "q1", "When do you open?").refuses("conversations.asked_before");
}
#[test]
fn an_ended_conversation_forgets_its_turns_and_tells_who_still_waits() {
    let waiting = ask(answered(), "q2", "And on Sunday?").and_then();
    let waiting = ask(waiting, "q3", "Why?").and_then();
    let why = "the conversation was ended";
    let said = emit(failed_event("q2", ENDED, why)).answer_failed(asker("q2"), ENDED, why, true);
    let said = said
        .and(failed_event("q3", ENDED, why))
        .answer_refused(asker("q3"), ENDED, why);
    let done = reply::Ok { id: "e1".into() };
    let then = end(waiting).emits(said.and(ended()).reply(done.clone()));
    assert!(then.state().turns.is_empty() && then.state().current.is_none());
    end(then.and_then())
        .stays()
        .emits(Emits::default().reply(done));
}
#[test]
fn what_is_said_after_an_ending_is_told_from_what_was_said_before() {
    let again = ask(end(answered()).and_then(), "q2", "And on Sunday?");
    let then = answer(again.and_then(), "q2");
    assert_eq!((then.state().endings, then.state().turns.len()), (1, 2));
    let twice = end(then.and_then());
    twice.emits(
        emit(ConversationEnded {
            endings: 2,
            ..ended()
        })
        .reply(reply::Ok { id: "e1".into() }),
    );
}
#[test]
fn an_old_conversation_is_forgotten_and_until_then_looked_at_ever_less_often() {
    let (mut conversation, mut now, mut looks) = (answered(), 1_000 + 2 * SILENCE_MS, 0);
    let over = 1_000 + RETENTION_MS;
    while now < over {
        let then = woke(conversation, now).emits_nothing();
        let next = then.state().rests_until(now);
        let then = then.wakes_at(next);
        assert!(next > now);
        (conversation, now, looks) = (then.and_then(), next, looks + 1);
    }
    assert!(looks < 20, "{looks}");
    let then = woke(conversation, now).emits(emit(ended()));
    assert!(then.state().turns.is_empty());
    woke(then.and_then(), 2 * now).stays().emits_nothing();
}
#[test]
fn a_row_is_read_back_and_nothing_in_it_is_sealed() {
    let then = ask(ask(answered(), "q2", "Well?").and_then(), "q3", "Why?");
    let row = serde_json::to_string(then.state()).expect("it is written");
    assert_eq!(
        serde_json::from_str::<Conversation>(&row).expect("it is read"),
        *then.state()
    );
}
