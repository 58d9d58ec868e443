// mneme's stale-tolerant readers, which follow the version counter, beside writers of Stele's.
#include <thread>

#include "interop/beside_mneme.hpp"
#include "support/in_threads.hpp"
#include "support/session.hpp"

namespace stele {
namespace {

using test::answer_of;
using test::Mneme;
using Json = nlohmann::json;

class MnemeReaders : public test::BesideMneme {
protected:
    std::string question(int i) {
        const std::string text = "question " + std::to_string(i);
        similar("other " + text, text);
        return text;
    }
    void expect_found(Mneme& python, int first, int last) {
        for (int i = first; i < last; ++i) {
            EXPECT_EQ(answer_of(python.get("other question " + std::to_string(i))), "answer " + std::to_string(i));
        }
    }
    void put(SemanticCache& stele, int i) { stele.put(question(i), "answer " + std::to_string(i)); }
};

TEST_F(MnemeReaders, mneme_142_143_144_read_what_stele_wrote_and_nothing_when_it_wrote_nothing) {
    SemanticCache stele = open();
    Mneme python = mneme();
    EXPECT_EQ(python.ask("refresh"), 0);
    for (int i = 0; i < 2; ++i) put(stele, i);
    EXPECT_EQ(python.ask("refresh"), 2);
    EXPECT_EQ(python.ask("refresh"), 0);
    expect_found(python, 0, 2);
    EXPECT_TRUE(stele.get("question 1"));
    stele.close();  // notes that access
    EXPECT_EQ(python.ask("refresh"), 0) << "a use is no change";
    SemanticCache another = open();
    for (int i = 2; i < 107; ++i) put(another, i);
    EXPECT_EQ(python.ask("refresh"), 107) << "so many changes make it read everything";
    expect_found(python, 0, 107);
}

TEST_F(MnemeReaders, mneme_145_146_look_no_more_often_than_they_were_told_and_only_in_their_mode) {
    SemanticCache stele = open();
    Mneme python = mneme({{"multi_process_mode", "stale-tolerant"}, {"stale_check_interval", 3600}});
    EXPECT_EQ(python.ask("follows"), true);
    EXPECT_EQ(python.ask("refresh"), 0);
    put(stele, 0);
    EXPECT_EQ(python.ask("refresh"), 0);
    EXPECT_EQ(python.ask("rows_in_memory"), 0);
    Mneme single = mneme({{"multi_process_mode", "single"}});
    EXPECT_EQ(single.ask("follows"), false);
}

TEST_F(MnemeReaders, mneme_147_count_what_a_writer_in_another_process_stored) {
    Mneme python = mneme();
    SemanticCache stele = open();
    for (int i = 0; i < 5; ++i) put(stele, i);
    EXPECT_EQ(python.ask("stats")["entries"], 5);
    EXPECT_EQ(python.ask("refresh"), 5);
    EXPECT_EQ(python.ask("rows_in_memory"), 5) << "its index, too";
}

TEST_F(MnemeReaders, find_what_a_transaction_put_that_was_open_while_they_read_on) {
    SemanticCache stele = open();
    Mneme python = mneme();
    Transaction transaction = database.begin();
    SemanticCache inside = stele.in(transaction);
    for (int i = 0; i < 3; ++i) put(inside, i);
    test::leave_no_snapshot(transaction);
    put(stele, 3);
    EXPECT_EQ(answer_of(python.get("other question 3")), "answer 3");  // it has read beyond their ids
    EXPECT_EQ(answer_of(python.get("other question 1")), "a miss");
    transaction.commit();
    expect_found(python, 0, 4);
}

TEST_F(MnemeReaders, are_not_disturbed_by_a_transaction_that_is_undone) {
    SemanticCache stele = open();
    Mneme python = mneme();
    {
        Transaction transaction = database.begin();
        SemanticCache inside = stele.in(transaction);
        put(inside, 0);
    }
    EXPECT_EQ(python.ask("refresh"), 0);
    EXPECT_EQ(answer_of(python.get("question 0")), "a miss");
    put(stele, 1);
    EXPECT_EQ(python.ask("refresh"), 1);
}

TEST_F(MnemeReaders, read_everything_again_after_a_transaction_cleared_a_namespace) {
    SemanticCache stele = open();
    Mneme python = mneme();
    for (int i = 0; i < 4; ++i) put(stele, i);
    EXPECT_EQ(python.ask("refresh"), 4);
    EXPECT_EQ(stele.clear({}), 4U);
    put(stele, 5);
    EXPECT_EQ(python.ask("refresh"), 1);
    EXPECT_EQ(python.ask("rows_in_memory"), 1) << "what was cleared is no longer in its index";
}

TEST_F(MnemeReaders, miss_nothing_however_many_write_at_once) {
    constexpr int kWriters = 4, kEach = 30;
    Mneme python = mneme(), writer = mneme();
    for (int i = 0; i < (kWriters + 2) * kEach; ++i) question(i);
    SemanticCache stele = open();
    std::atomic<bool> done{false};
    std::thread reader([&] {
        while (!done) python.ask("refresh");
    });
    test::in_threads(kWriters + 2, [&](int t) {
        for (int i = t * kEach; i < (t + 1) * kEach; ++i) {
            if (t < kWriters) {
                put(stele, i);
            } else if (t == kWriters) {
                writer.put("question " + std::to_string(i), "answer " + std::to_string(i));
            } else if (i % 5 == 0) {
                Transaction transaction = database.begin();
                SemanticCache inside = stele.in(transaction);
                for (int j = i; j < i + 5; ++j) put(inside, j);
                transaction.commit();
            }
        }
    });
    done = true;
    reader.join();
    expect_found(python, 0, kWriters * kEach);
    expect_found(python, (kWriters + 1) * kEach, (kWriters + 2) * kEach);
    EXPECT_EQ(entries(), (kWriters + 2) * kEach);
    test::settle(database);
    for (int i = 0; i < (kWriters + 2) * kEach; ++i) {
        EXPECT_EQ(answer_of(stele.get("other question " + std::to_string(i))), "answer " + std::to_string(i));
    }
}

}  // namespace
}  // namespace stele
