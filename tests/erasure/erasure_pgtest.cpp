// Erasing over several stores: the same on a database and of twins.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "stele/conversation_memory.hpp"
#include "stele/erasure.hpp"
#include "stele/model_memory.hpp"
#include "stele/testing.hpp"
#include "support/server.hpp"
#include "support/session.hpp"

namespace shelf {

struct Letter {
    std::string text;
    std::string owner;
};
STELE_DESCRIBE(Letter, (text), (owner))

}  // namespace shelf

namespace stele {
namespace {

using shelf::Letter;
using ::testing::HasSubstr;

enum class On { database, twins };

class AnyErasure : public ::testing::TestWithParam<On> {
protected:
    AnyErasure() {
        if (GetParam() == On::database) database_ = server_.open();
    }
    ModelMemory model(const std::string& name) {
        return database_ ? ModelMemory(*database_, name) : ModelMemory::in_memory(name, memory_);
    }
    ConversationMemory conversation(const std::string& name) {
        return database_ ? ConversationMemory(*database_, name) : ConversationMemory::in_memory(name, memory_);
    }
    SemanticCache cache() {
        return database_ ? SemanticCache(*database_, embedder_) : SemanticCache::in_memory(memory_, embedder_);
    }
    VectorIndex<Letter> letters() {
        return database_ ? VectorIndex<Letter>(*database_, embedder_)
                         : VectorIndex<Letter>::in_memory(memory_, embedder_);
    }
    Erasure erasure() { return database_ ? Erasure(*database_) : Erasure(memory_); }
    void fill(const std::string& owner) {
        conversation(owner).remember({UserTurn("hi"), AssistantTurn("hello")});
        model(owner).remember({ModelInput("hi")}, {.variables = Json::object(), .key = "k"});
        cache().put("Where?", "There.", Scope("acme").with("user", owner));
        letters().index({Letter{"a", owner}, Letter{"b", owner}, Letter{"c", owner}}, &Letter::text);
    }
    static auto owned_by(const std::string& owner) { return field(&Letter::owner) == owner; }

    test::Server server_;
    std::optional<Database> database_;
    MemoryDatabase memory_;
    std::shared_ptr<testing::FakeEmbedder> embedder_ = std::make_shared<testing::FakeEmbedder>();
};

INSTANTIATE_TEST_SUITE_P(Erasure, AnyErasure, ::testing::Values(On::database, On::twins), [](const auto& which) {
    return std::string(which.param == On::database ? "on_a_database" : "of_twins");
});

TEST_P(AnyErasure, takes_all_that_belongs_to_somebody_and_nothing_else) {
    fill("ada");
    fill("bob");
    SemanticCache answers = cache();
    const Scope scope = Scope("acme").with("user", "ada");
    Erasure ada = erasure();
    ada.conversation("ada")
        .conversation("ada")
        .conversation("unknown")
        .memory("ada")
        .answers(answers, scope)
        .documents(letters(), owned_by("ada"));
    const Erased all{
        .conversations = 1, .turns = 2, .memories = 1, .elements = 1, .snapshots = 1, .answers = 1, .documents = 3};
    EXPECT_EQ(ada.dry_run(), all);
    EXPECT_EQ(ada.dry_run(), all) << "nothing is gone";
    EXPECT_EQ(conversation("ada").recall().context.size(), 2U);
    EXPECT_EQ(ada.run(), all);
    EXPECT_EQ(ada.dry_run(), Erased());
    EXPECT_EQ(ada.run(), Erased()) << "nothing is left";
    EXPECT_TRUE(conversation("ada").recall().context.empty());
    EXPECT_FALSE(model("ada").remember({ModelInput("again")}, {.key = "k"}).repeated);
    EXPECT_FALSE(answers.get("Where?", scope));
    EXPECT_EQ(letters().count(), 3U);
    EXPECT_EQ(conversation("bob").recall().context.size(), 2U);
    EXPECT_EQ(answers.get("Where?", Scope("acme").with("user", "bob"))->response, "There.");
    EXPECT_EQ(erasure().run(), Erased());
}

TEST_P(AnyErasure, refuses_what_names_nobody) {
    EXPECT_EQ(test::error_of([&] { erasure().conversation(""); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(test::error_of([&] { erasure().memory(std::string(1, '\0')); }).code, ErrorCode::invalid_argument);
    const ErrorInfo error = test::error_of([&] { erasure().documents(letters(), {}); });
    EXPECT_EQ(error.code, ErrorCode::invalid_argument);
    EXPECT_THAT(error.message, HasSubstr("holds of every document"));
}

class StoredErasure : public ::testing::Test {
protected:
    test::Server server_;
    Database database_ = server_.open();
};

TEST_F(StoredErasure, is_all_or_nothing) {
    ConversationMemory(database_, "ada").remember({UserTurn("hi")});
    SemanticCache foreign = SemanticCache::in_memory();
    Erasure erasure(database_);
    erasure.conversation("ada").answers(foreign, Scope("acme"));
    EXPECT_EQ(test::error_of([&] { erasure.run(); }).code, ErrorCode::invalid_argument);
    EXPECT_EQ(ConversationMemory(database_, "ada").recall().context.size(), 1U);
}

TEST_F(StoredErasure, tells_of_a_dry_run_what_it_would_erase_while_others_write) {
    SemanticCache cache(database_, nullptr);
    cache.put("q", "a", Scope("acme"));
    cache.put("old", "a", Scope("acme"), {.ttl = std::chrono::seconds(1000)});
    database_.execute(
        Statement(Sql("UPDATE " + database_.quoted_schema() + ".entries SET created_at = created_at - 2000")));
    ModelMemory memory(database_, "ada");
    memory.remember({ModelInput("hi")}, {.variables = Json::object()});
    Transaction writer = database_.begin();
    memory.in(writer).remember({ModelInput("not yet")});
    test::leave_no_snapshot(writer);
    Erasure erasure(database_);
    erasure.memory("ada").answers(cache, Scope("acme"));
    const Erased all{.memories = 1, .elements = 1, .snapshots = 1, .answers = 2};
    EXPECT_EQ(erasure.dry_run(Deadline::after(std::chrono::seconds(30))), all);
    writer.rollback();
    EXPECT_EQ(erasure.run(), all);
}

TEST_F(StoredErasure, gets_along_with_others_that_write_to_the_same) {
    SemanticCache cache(database_, nullptr);
    const Scope scope("acme");
    std::atomic<bool> over{false};
    std::thread writer([&] {
        for (int i = 0; !over; ++i) {
            cache.put("question " + std::to_string(i % 10), "answer", scope);
            ConversationMemory(database_, "ada").remember({UserTurn("hi")});
        }
    });
    std::size_t turns = 0, answers = 0;
    for (int i = 0; i < 50; ++i) {
        const Erased erased = Erasure(database_).conversation("ada").answers(cache, scope).run();
        turns += erased.turns;
        answers += erased.answers;
    }
    over = true;
    writer.join();
    EXPECT_GT(turns, 0U);
    EXPECT_GT(answers, 0U);
    Erasure(database_).conversation("ada").answers(cache, scope).run();
    EXPECT_EQ(cache.stats(scope).entries, 0);
    EXPECT_TRUE(ConversationMemory(database_, "ada").recall().context.empty());
}

}  // namespace
}  // namespace stele
