//! The names of topics and consumers as constants; `topics.yaml` is the map, and a test holds these against it.

/// What upstream systems say of documents that were uploaded there.
pub const INBOX_DOCUMENT_UPLOADED: &str = "inbox.document.uploaded";
/// What systems outside ask of documents.
pub const INBOX_DOCUMENTS_COMMANDS: &str = "inbox.documents.commands";
/// What systems outside ask of chatbots.
pub const INBOX_CHATBOTS_COMMANDS: &str = "inbox.chatbots.commands";
/// What systems outside ask of conversations.
pub const INBOX_CONVERSATIONS_COMMANDS: &str = "inbox.conversations.commands";
/// The input of the documents.
pub const DOCUMENTS_DOCUMENT: &str = "documents.document";
/// The input of the handlers that read uploads.
pub const DOCUMENTS_EFFECTS: &str = "documents.effects";
/// A document was uploaded.
pub const DOCUMENT_UPLOADED: &str = "document.uploaded";
/// A document became passages.
pub const DOCUMENT_PARSED: &str = "document.parsed";
/// A document could not be read or indexed.
pub const DOCUMENT_REJECTED: &str = "document.rejected";
/// A document was deleted.
pub const DOCUMENT_DELETED: &str = "document.deleted";
/// What a document is now, for directories.
pub const DOCUMENT_CHANGED: &str = "document.changed";
/// The input of the indexed documents.
pub const KNOWLEDGE_INDEX: &str = "knowledge.index";
/// The input of the handlers that embed, publish and retire.
pub const KNOWLEDGE_EFFECTS: &str = "knowledge.effects";
/// A revision can be found.
pub const EMBEDDING_READY: &str = "embedding.ready";
/// A revision could not be indexed.
pub const EMBEDDING_FAILED: &str = "embedding.failed";
/// Nothing of a document can be found any more.
pub const EMBEDDING_REMOVED: &str = "embedding.removed";
/// The input of the saga that creates a chatbot.
pub const CHATBOTS_CREATION: &str = "chatbots.creation";
/// The input of the saga that deletes a chatbot.
pub const CHATBOTS_DELETION: &str = "chatbots.deletion";
/// The input of the chatbots.
pub const CHATBOTS_CHATBOT: &str = "chatbots.chatbot";
/// The input of the sources of each chatbot.
pub const CHATBOTS_INGESTION: &str = "chatbots.ingestion";
/// The input of the handlers that look whether a chatbot is gone.
pub const CHATBOTS_EFFECTS: &str = "chatbots.effects";
/// A chatbot was created and answers.
pub const CHATBOT_CREATED: &str = "chatbot.created";
/// A chatbot was not created, and all was undone.
pub const CHATBOT_CREATION_FAILED: &str = "chatbot.creation_failed";
/// A chatbot was deleted.
pub const CHATBOT_DELETED: &str = "chatbot.deleted";
/// What a chatbot is now, for directories.
pub const CHATBOT_CHANGED: &str = "chatbot.changed";
/// The input of the conversations.
pub const CONVERSATIONS_CONVERSATION: &str = "conversations.conversation";
/// The input of what ends all conversations of a chatbot.
pub const CONVERSATIONS_CLOSING: &str = "conversations.closing";
/// The input of the handlers that list the conversations of a chatbot, and look for them.
pub const CONVERSATIONS_EFFECTS: &str = "conversations.effects";
/// A visitor asked.
pub const QUESTION_ASKED: &str = "question.asked";
/// A question was answered.
pub const QUESTION_ANSWERED: &str = "question.answered";
/// A question was not answered.
pub const QUESTION_FAILED: &str = "question.failed";
/// A conversation ended.
pub const CONVERSATION_ENDED: &str = "conversation.ended";
/// The input of the handlers that write answers.
pub const ANSWERS_EFFECTS: &str = "answers.effects";
/// Pieces of answers while they are written; ephemeral.
pub const ANSWERS_DELTAS: &str = "answers.deltas";
/// Answers to clients; edges read a partition by hand.
pub const REPLIES: &str = "replies";
/// Answers to the upstream systems.
pub const REPLIES_UPSTREAM: &str = "replies.upstream";
/// A saga needs a person.
pub const SAGA_ALERTED: &str = "saga.alerted";
/// A person redrove or discarded a dead letter.
pub const LETTER_DECIDED: &str = "letter.decided";

/// Every topic above.
pub const ALL: &[&str] = &[
    INBOX_DOCUMENT_UPLOADED,
    INBOX_DOCUMENTS_COMMANDS,
    INBOX_CHATBOTS_COMMANDS,
    INBOX_CONVERSATIONS_COMMANDS,
    DOCUMENTS_DOCUMENT,
    DOCUMENTS_EFFECTS,
    DOCUMENT_UPLOADED,
    DOCUMENT_PARSED,
    DOCUMENT_REJECTED,
    DOCUMENT_DELETED,
    DOCUMENT_CHANGED,
    KNOWLEDGE_INDEX,
    KNOWLEDGE_EFFECTS,
    EMBEDDING_READY,
    EMBEDDING_FAILED,
    EMBEDDING_REMOVED,
    CHATBOTS_CREATION,
    CHATBOTS_DELETION,
    CHATBOTS_CHATBOT,
    CHATBOTS_INGESTION,
    CHATBOTS_EFFECTS,
    CHATBOT_CREATED,
    CHATBOT_CREATION_FAILED,
    CHATBOT_DELETED,
    CHATBOT_CHANGED,
    CONVERSATIONS_CONVERSATION,
    CONVERSATIONS_CLOSING,
    CONVERSATIONS_EFFECTS,
    QUESTION_ASKED,
    QUESTION_ANSWERED,
    QUESTION_FAILED,
    CONVERSATION_ENDED,
    ANSWERS_EFFECTS,
    ANSWERS_DELTAS,
    REPLIES,
    REPLIES_UPSTREAM,
    SAGA_ALERTED,
    LETTER_DECIDED,
];

/// The names of consumers. An entity, a saga and a set of handlers are called as their input.
pub mod consumer {
    /// Checks what upstream systems say and passes it on.
    pub const DOCUMENTS_BORDER: &str = "documents.border";
    /// Checks what is asked of documents from outside and passes it on.
    pub const DOCUMENTS_COMMANDS: &str = "documents.commands";
    /// The documents.
    pub const DOCUMENTS_DOCUMENT: &str = "documents.document";
    /// Reads uploads.
    pub const DOCUMENTS_EFFECTS: &str = "documents.effects";
    /// Tells a document that its index is ready.
    pub const DOCUMENTS_AFTER: &str = "documents.after";
    /// Tells a document that its index failed.
    pub const DOCUMENTS_FAILED: &str = "documents.failed";
    /// Tells a document that its index is gone.
    pub const DOCUMENTS_REMOVED: &str = "documents.removed";
    /// Lists documents.
    pub const DOCUMENTS_DIRECTORY: &str = "documents.directory";
    /// Brings parsed documents to the index.
    pub const KNOWLEDGE_INTAKE: &str = "knowledge.intake";
    /// Takes deleted documents out of the index.
    pub const KNOWLEDGE_FORGET: &str = "knowledge.forget";
    /// The indexed documents.
    pub const KNOWLEDGE_INDEX: &str = "knowledge.index";
    /// Embeds, publishes, retires.
    pub const KNOWLEDGE_EFFECTS: &str = "knowledge.effects";
    /// What of each document was expected, embedded, stored, retrievable.
    pub const KNOWLEDGE_LEDGER: &str = "knowledge.ledger";
    /// Checks what is asked of chatbots from outside and passes it on.
    pub const CHATBOTS_COMMANDS: &str = "chatbots.commands";
    /// The saga that creates a chatbot.
    pub const CHATBOTS_CREATION: &str = "chatbots.creation";
    /// The saga that deletes a chatbot.
    pub const CHATBOTS_DELETION: &str = "chatbots.deletion";
    /// The chatbots.
    pub const CHATBOTS_CHATBOT: &str = "chatbots.chatbot";
    /// The sources of each chatbot.
    pub const CHATBOTS_INGESTION: &str = "chatbots.ingestion";
    /// Tells a chatbot's sources of a new document.
    pub const CHATBOTS_NOTE: &str = "chatbots.note";
    /// Tells a chatbot's sources of a deleted document.
    pub const CHATBOTS_FORGET: &str = "chatbots.forget";
    /// Looks whether a chatbot is gone.
    pub const CHATBOTS_EFFECTS: &str = "chatbots.effects";
    /// Which documents a chatbot was given, and in which blobs.
    pub const CHATBOTS_UPLOADS: &str = "chatbots.uploads";
    /// Lists chatbots.
    pub const CHATBOTS_DIRECTORY: &str = "chatbots.directory";
    /// Checks what is asked of conversations from outside and passes it on.
    pub const CONVERSATIONS_COMMANDS: &str = "conversations.commands";
    /// The conversations.
    pub const CONVERSATIONS_CONVERSATION: &str = "conversations.conversation";
    /// Ends all conversations of a chatbot.
    pub const CONVERSATIONS_CLOSING: &str = "conversations.closing";
    /// Lists the conversations of a chatbot, and looks whether any is left.
    pub const CONVERSATIONS_EFFECTS: &str = "conversations.effects";
    /// Which conversations a chatbot has.
    pub const CONVERSATIONS_ROSTER: &str = "conversations.roster";
    /// What was asked and answered.
    pub const CONVERSATIONS_HISTORY: &str = "conversations.history";
    /// Which conversations were ended.
    pub const CONVERSATIONS_ENDINGS: &str = "conversations.endings";
    /// Writes answers.
    pub const ANSWERS_EFFECTS: &str = "answers.effects";
    /// How each chatbot answers, for those who write answers.
    pub const ANSWERS_SETTINGS: &str = "answers.settings";
    /// Completes the operations of the edge from replies.
    pub const OPERATIONS: &str = "operations";
    /// Where the answers to the upstream systems stand.
    pub const OPERATIONS_UPSTREAM: &str = "operations.upstream";
    /// What needs a person.
    pub const SAGAS_ALERTS: &str = "sagas.alerts";

    /// Every consumer above.
    pub const ALL: &[&str] = &[
        DOCUMENTS_BORDER,
        DOCUMENTS_COMMANDS,
        DOCUMENTS_DOCUMENT,
        DOCUMENTS_EFFECTS,
        DOCUMENTS_AFTER,
        DOCUMENTS_FAILED,
        DOCUMENTS_REMOVED,
        DOCUMENTS_DIRECTORY,
        KNOWLEDGE_INTAKE,
        KNOWLEDGE_FORGET,
        KNOWLEDGE_INDEX,
        KNOWLEDGE_EFFECTS,
        KNOWLEDGE_LEDGER,
        CHATBOTS_COMMANDS,
        CHATBOTS_CREATION,
        CHATBOTS_DELETION,
        CHATBOTS_CHATBOT,
        CHATBOTS_INGESTION,
        CHATBOTS_NOTE,
        CHATBOTS_FORGET,
        CHATBOTS_EFFECTS,
        CHATBOTS_UPLOADS,
        CHATBOTS_DIRECTORY,
        CONVERSATIONS_COMMANDS,
        CONVERSATIONS_CONVERSATION,
        CONVERSATIONS_CLOSING,
        CONVERSATIONS_EFFECTS,
        CONVERSATIONS_ROSTER,
        CONVERSATIONS_HISTORY,
        CONVERSATIONS_ENDINGS,
        ANSWERS_EFFECTS,
        ANSWERS_SETTINGS,
        OPERATIONS,
        OPERATIONS_UPSTREAM,
        SAGAS_ALERTS,
    ];
}
