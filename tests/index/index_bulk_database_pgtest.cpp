// index_all beside what only a server does: refuses rows, guards them, dies, and has transactions of others.
#include <chrono>

#include "index/bulk_notes.hpp"
#include "support/role.hpp"
#include "support/session.hpp"

namespace stele::test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class BulkOnDatabase : public BulkIndex {
protected:
    BulkOnDatabase() { database = server.open(server_dsn() + " application_name=" + server.schema()); }
    void refuse_in_the_database(int page) {
        database->execute(Statement("ALTER TABLE " + server.schema() + ".picked ADD CHECK (payload->'page' <> '" +
                                    std::to_string(page) + "')"));
    }
    /// All sessions but that of `other`.
    void cut() {
        Database other = server.bare();
        other.query({"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = $1",
                     server.schema()});
    }
};

INSTANTIATE_TEST_SUITE_P(Index, BulkOnDatabase, ::testing::Values(On::database), name_of);

TEST_P(BulkOnDatabase, a_row_that_the_server_refuses_is_named_or_skipped_with_keys_and_without) {
    auto notes = picked();
    notes.index({note(9000)}, &Note::text, {.key = &Note::language});
    refuse_in_the_database(777);
    for (IndexAllOptions<Note> options : {keyed(), IndexAllOptions<Note>()}) {
        const std::size_t before = notes.count();
        const ErrorInfo error = error_of([&] { notes.index_all(Notes(1200), &Note::text, options); });
        EXPECT_EQ(error.code, ErrorCode::constraint_violation);
        EXPECT_THAT(error.message, HasSubstr("value 777: "));
        EXPECT_EQ(notes.count(), before);
        std::vector<std::size_t> positions;
        options.on_refused = [&](const RefusedValue& value) { positions.push_back(value.position); };
        EXPECT_EQ(notes.index_all(Notes(1200), &Note::text, options).stored, 1199U);
        EXPECT_THAT(positions, ElementsAre(777));
        EXPECT_EQ(notes.count(), before + 1199);
    }
}

TEST_P(BulkOnDatabase, rows_that_policies_guard_are_stored_though_copy_refuses_them) {
    auto notes = picked();
    notes.index({note(9000)}, &Note::text);
    const std::string table = server.schema() + ".picked";
    Role role(*database, "guarded_" + server.schema());
    role.execute("GRANT USAGE ON SCHEMA " + server.schema() + " TO " + role.name());
    role.execute("GRANT SELECT, INSERT ON " + table + " TO " + role.name());
    role.execute("ALTER TABLE " + table + " ENABLE ROW LEVEL SECURITY");
    role.execute("CREATE POLICY pages ON " + table + " USING ((payload->'page')::int < 1000)");
    VectorIndex<Note> guarded(Database::open(role.assumed(server.bare_options())), picky, {.table = "picked"});
    EXPECT_EQ(guarded.index_all(Notes(700), &Note::text).stored, 700U);
    EXPECT_THAT(error_of([&] { guarded.index_all(Notes(1100), &Note::text); }).server_message, HasSubstr("row-level"));
    EXPECT_EQ(notes.count(), 701U);
}

TEST_P(BulkOnDatabase, a_connection_that_dies_leaves_nothing_or_what_was_told) {
    auto notes = picked();
    notes.index({note(9000)}, &Note::text, {.key = &Note::language});
    IndexAllOptions<Note> options = keyed();
    std::size_t told = 0;
    options.on_progress = [&](const IndexProgress& progress) {
        told = progress.stored;
        if (progress.values == 1024) cut();
    };
    for (const bool by_key : {true, false}) {
        if (!by_key) options.key = {};
        const ErrorInfo error = error_of([&] { notes.index_all(Notes(2000), &Note::text, options); });
        EXPECT_EQ(error.code, ErrorCode::unavailable);
        EXPECT_EQ(error.retry, Retry::transaction);
        EXPECT_EQ(told, 1024U);
        EXPECT_EQ(notes.count(), 1U);
    }

    // between two batches there is no connection to lose; while one is written there is
    options.on_refused = [](const RefusedValue& value) { ADD_FAILURE() << value.position; };
    options.on_progress = [&](const IndexProgress& progress) {
        told = progress.stored;
        if (progress.values != 1024) return;
        database->execute(Statement("CREATE FUNCTION " + server.schema() +
                                    ".die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_terminate_backend("
                                    "pg_backend_pid()); RETURN NEW; END $$"));
        database->execute(Statement("CREATE TRIGGER die BEFORE INSERT ON " + server.schema() +
                                    ".picked FOR EACH ROW EXECUTE FUNCTION " + server.schema() + ".die()"));
    };
    // here in the midst of a COPY
    EXPECT_EQ(error_of([&] { notes.index_all(Notes(2000), &Note::text, options); }).code, ErrorCode::unavailable);
    EXPECT_EQ(told, 1024U);
    EXPECT_EQ(notes.count(), 1025U);
}

TEST_P(BulkOnDatabase, takes_part_in_a_transaction_and_a_failure_leaves_that_as_it_was) {
    auto notes = picked();
    notes.index({note(9000)}, &Note::text, {.key = &Note::language});
    {
        Transaction transaction = database->begin();
        auto inside = notes.in(transaction);
        inside.index({note(9001)}, &Note::text, {.key = &Note::language});
        picky->calls = 0;
        picky->before = [](int call) {
            if (call == 3) fail_with(ErrorCode::embedder_failed, Retry::call);
        };
        EXPECT_EQ(error_of([&] { inside.index_all(Notes(1500), &Note::text, keyed()); }).code,
                  ErrorCode::embedder_failed);
        picky->before = {};
        EXPECT_EQ(inside.count(), 2U) << "the batches before are undone";
        EXPECT_EQ(inside.index_all(Notes(1500), &Note::text, keyed()).stored, 1500U);
        EXPECT_EQ(inside.count(), 1502U);
        EXPECT_EQ(notes.count(), 1U);
        transaction.commit();
    }
    EXPECT_EQ(notes.count(), 1502U);
    refuse_in_the_database(5000);
    Transaction transaction = database->begin();
    auto inside = notes.in(transaction);
    std::vector<std::size_t> positions;
    IndexAllOptions<Note> options = keyed();
    options.on_refused = [&](const RefusedValue& value) { positions.push_back(value.position); };
    const auto new_keys = [](Note& one) {
        one.language += " more";
        if (one.page == 1000) one.page = 5000;
    };
    EXPECT_EQ(inside.index_all(Notes(1100, new_keys), &Note::text, options).stored, 1099U);
    EXPECT_THAT(positions, ElementsAre(1000));
    EXPECT_EQ(inside.count(), 2601U);
    transaction.rollback();
    EXPECT_EQ(notes.count(), 1502U);
}

TEST_P(BulkOnDatabase, takes_the_next_values_while_a_batch_is_written) {
    auto notes = picked();
    notes.index({note(9000)}, &Note::text);
    Transaction holder = database->begin();
    holder.execute(Statement("LOCK TABLE " + server.schema() + ".picked IN SHARE ROW EXCLUSIVE MODE"));
    leave_no_snapshot(holder);
    constexpr int kOfThirdBatch = 2 * 512 + 10;
    const auto let_go = [&](Note& one) {
        if (one.page == kOfThirdBatch) holder.rollback();
    };
    EXPECT_EQ(notes.index_all(Notes(1500, let_go), &Note::text).stored, 1500U);
}

TEST_P(BulkOnDatabase, inside_a_transaction_the_source_may_use_it_between_two_batches) {
    auto notes = picked();
    notes.index({note(9000)}, &Note::text);
    Transaction transaction = database->begin();
    std::size_t seen = 0;
    const auto ask = [&](Note& one) {
        if (one.page % 100 == 0) seen += transaction.query("SELECT 1").size();
    };
    IndexAllOptions<Note> options;
    options.on_refused = [](const RefusedValue&) {};  // else they share a savepoint
    EXPECT_EQ(notes.in(transaction).index_all(Notes(1500, ask), &Note::text, options).stored, 1500U);
    EXPECT_EQ(seen, 15U);
    transaction.commit();
    EXPECT_EQ(notes.count(), 1501U);
}

TEST_P(BulkOnDatabase, a_deadline_ends_it_and_nothing_stays) {
    auto notes = picked();
    notes.index({note(9000)}, &Note::text, {.key = &Note::language});
    Transaction holder = database->begin();
    holder.execute(Statement("LOCK TABLE " + server.schema() + ".picked IN SHARE ROW EXCLUSIVE MODE"));
    leave_no_snapshot(holder);
    IndexAllOptions<Note> options = keyed();
    options.deadline = Deadline::after(500ms);
    EXPECT_EQ(error_of([&] { notes.index_all(Notes(1500), &Note::text, options); }).code, ErrorCode::deadline_exceeded);
    holder.rollback();
    EXPECT_EQ(notes.count(), 1U);
}

}  // namespace
}  // namespace stele::test
