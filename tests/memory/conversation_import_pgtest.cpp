#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/result.hpp"
#include "memory/elements.hpp"
#include "stele/conversation_import.hpp"
#include "stele/conversation_memory.hpp"
#include "stele/model_memory.hpp"
#include "support/python_tables.hpp"
#include "support/server.hpp"

namespace stele {
namespace {

using test::answer;
using test::answer_and;
using test::ask;
using test::in;
using test::out;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const std::vector<ModelElement>& told() {
    static const std::vector<ModelElement> elements{in("a"), ask("1"), answer("1"),          out("b"),
                                                    in("c"), ask("2"), answer_and("2", "d"), out("e")};
    return elements;
}

class Importing : public ::testing::Test {
protected:
    test::Server server_;
    Database database_ = server_.open();
};

TEST_F(Importing, makes_turns_of_the_elements_of_a_memory) {
    ModelMemory(database_, "thread").remember(told());
    ModelMemory(database_, "empty").maintenance();
    const ImportedConversations done = import_conversations(database_);
    EXPECT_EQ(done.conversations, 1U);
    EXPECT_EQ(done.turns, 6U);
    EXPECT_EQ(done.stored, 1U);
    ConversationMemory conversation(database_, "thread");
    const auto turns = conversation.fetch().turns;
    ASSERT_THAT(turns, SizeIs(6));
    for (std::size_t i = 0; i < turns.size(); ++i) {
        EXPECT_EQ(std::holds_alternative<UserTurn>(turns[i]), i % 2 == 0) << i;
    }
    // told to a model, it is what it was, but for the input that held two things
    std::vector<ModelElement> expected = told();
    expected[6] = answer("2");
    expected.insert(expected.begin() + 7, in("d"));
    EXPECT_THAT(conversation.recall().context, ElementsAreArray(expected));
    conversation.remember({UserTurn("and now")});
    EXPECT_EQ(conversation.recall().context.back(), in("and now"));
}

TEST_F(Importing, takes_over_responses_that_nothing_asked_for) {
    ModelMemory(database_, "thread").maintenance();
    database_.execute(Statement(Sql("INSERT INTO " + database_.quoted_schema() +
                                    ".memories_elements (identifier, content) VALUES ('thread', $1)"),
                                to_json(answer("1"))));
    EXPECT_EQ(import_conversations(database_).turns, 1U);
    ConversationMemory conversation(database_, "thread");
    EXPECT_THAT(conversation.recall({.replay = Replay::all}).context, ElementsAre(answer("1")));
    EXPECT_THAT(conversation.recall().context, SizeIs(0));
}

TEST_F(Importing, may_be_repeated_and_goes_on_where_it_ended) {
    for (const char* name : {"a", "b", "c"}) ModelMemory(database_, name).remember(told());
    int calls = 0;
    const auto stop = [&](const ImportedConversations&) {
        if (++calls == 2) raise(ErrorCode::cancelled, "enough");
    };
    EXPECT_EQ(test::error_of([&] { import_conversations(database_, {.progress = stop}); }).code, ErrorCode::cancelled);
    EXPECT_THAT(ConversationMemory(database_, "c").fetch().turns, SizeIs(0));
    EXPECT_EQ(import_conversations(database_).stored, 1U);
    EXPECT_EQ(import_conversations(database_).stored, 0U);
    for (const char* name : {"a", "b", "c"}) EXPECT_THAT(ConversationMemory(database_, name).fetch().turns, SizeIs(6));
    ModelMemory(database_, "a").remember({in("more"), out("of it")});
    EXPECT_EQ(import_conversations(database_, {.identifier = "a"}).conversations, 1U);
    EXPECT_THAT(ConversationMemory(database_, "a").fetch().turns, SizeIs(8));
    ModelMemory(database_, "a").remember({out("the last turn grows")});
    EXPECT_EQ(test::error_of([&] { import_conversations(database_); }).code, ErrorCode::constraint_violation);
}

TEST_F(Importing, reads_the_tables_with_uuids_in_another_schema) {
    test::Server pythons;
    Database python = pythons.bare();
    test::create_tables(python, test::kDraiveUuidMemories);
    const std::string schema = python.quoted_schema();
    const Uuid thread = Uuid::v7();
    python.execute(Statement(Sql("INSERT INTO " + schema + ".memories (identifier) VALUES ($1)"), thread));
    int number = 0;
    for (const ModelElement& element : {in("a"), out("b"), in("c")}) {
        python.execute(Statement(Sql("INSERT INTO " + schema +
                                     ".memories_elements (memories, content, created) VALUES "
                                     "($1, $2, '2026-01-31 10:00Z'::timestamptz + $3 * interval '1 us')"),
                                 thread, to_json(element), static_cast<double>(++number)));
    }
    EXPECT_EQ(import_conversations(database_, {.schema = pythons.schema()}).turns, 3U);
    const auto turns = ConversationMemory(database_, thread.to_string()).fetch().turns;
    ASSERT_THAT(turns, SizeIs(3));
    EXPECT_EQ(to_iso8601(*std::get<UserTurn>(turns[0]).created), "2026-01-31T10:00:00.000001+00:00");
    EXPECT_THAT(ConversationMemory(database_, thread.to_string()).recall().context,
                ElementsAre(in("a"), out("b"), in("c")));
}

TEST_F(Importing, elements_of_one_time_keep_their_order) {
    const std::string table = database_.quoted_schema() + ".memories_elements";
    ModelMemory(database_, "thread").maintenance();
    for (const ModelElement& element : {in("a"), in("b"), in("c"), in("d")}) {
        database_.execute(Statement(Sql("INSERT INTO " + table +
                                        " (identifier, content, created) VALUES ('thread', $1, "
                                        "'2026-01-31 10:00Z')"),
                                    to_json(element)));
    }
    import_conversations(database_);
    EXPECT_THAT(ConversationMemory(database_, "thread").fetch().turns, SizeIs(4));
    const auto turns = ConversationMemory(database_, "thread").fetch().turns;
    for (std::size_t i = 1; i < turns.size(); ++i) {
        EXPECT_EQ(*std::get<UserTurn>(turns[i]).created - *std::get<UserTurn>(turns[i - 1]).created,
                  std::chrono::microseconds(1));
    }
}

TEST_F(Importing, says_what_is_wrong) {
    const ErrorInfo nothing = test::error_of([&] { import_conversations(database_, {.schema = "pg_catalog"}); });
    EXPECT_EQ(nothing.code, ErrorCode::not_found);
    EXPECT_THAT(nothing.message, HasSubstr("pg_catalog"));
    ModelMemory(database_, "thread").remember({in("a")});
    database_.execute(Statement(Sql("UPDATE " + database_.quoted_schema() + ".memories_elements SET content = '{}'")));
    const ErrorInfo broken = test::error_of([&] { import_conversations(database_); });
    EXPECT_EQ(broken.code, ErrorCode::type_mismatch);
    EXPECT_THAT(broken.message, HasSubstr("\"thread\""));
}

}  // namespace
}  // namespace stele
