// A process with a vector index of notes, whose key is their language, driven through its standard input, a line an
// order, a line an answer.
//
//   index_process DSN SCHEMA
//
//   index KEY PAGE ...    notes of these keys and pages, in one call: done
//   all GROUP COUNT       an index_all of so many notes of the keys GROUP/0 ...: done
//   remove KEY            how many there were
//   get KEY               the page of the note of that key, none, or several
//   page LIMIT            a listing of all by pages of so many: the keys, newest first
//
// Anything may answer "error TEXT". Ends with its input.
#include "index/index_process.hpp"

#include <chrono>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "stele/testing.hpp"
#include "support/orders.hpp"

namespace {

using namespace std::chrono_literals;
using stele::field;
using stele::test::shared::Note;

class Orders {
public:
    Orders(std::string dsn, std::string schema)
        : notes_(stele::Database::open(options(std::move(dsn), std::move(schema))),
                 std::make_shared<stele::testing::FakeEmbedder>(stele::testing::FakeEmbedderOptions{.dimension = 8})) {}

    std::string obey(const std::string& line) {
        std::istringstream words(line);
        std::string order, key;
        words >> order;
        if (order == "index") {
            std::vector<Note> all;
            for (int page = 0; words >> key >> page;) all.push_back({"text of " + key, key, page});
            notes_.index(all, &Note::text, {.key = &Note::key});
            return "done";
        }
        if (order == "all") {
            int count = 0, next = 0;
            words >> key >> count;
            const auto give = [&]() -> std::optional<Note> {
                if (next == count) return std::nullopt;
                const std::string name = key + "/" + std::to_string(next);
                return Note{"text of " + name, name, next++};
            };
            notes_.index_all(give, &Note::text, {.key = &Note::key});
            return "done";
        }
        if (order == "page") {
            std::int64_t limit = 0;
            words >> limit;
            return page(limit);
        }
        words >> key;
        if (order == "remove") return std::to_string(notes_.remove(field(&Note::key) == key));
        if (order == "get") return get(key);
        throw std::invalid_argument("'" + order + "' is no order");
    }

private:
    static stele::DatabaseOptions options(std::string dsn, std::string schema) {
        stele::DatabaseOptions options;
        options.dsn = std::move(dsn);
        options.schema = std::move(schema);
        options.bare = true;
        return options;
    }
    std::string get(const std::string& key) {
        const auto found = notes_.search("text of " + key, {.where = field(&Note::key) == key});
        if (found.empty()) return "none";
        return found.size() == 1 ? std::to_string(found[0].value.page) : "several";
    }
    std::string page(std::int64_t limit) {
        std::string keys;
        stele::SearchOptions<Note> options{.limit = limit};
        std::set<stele::Uuid> seen;
        for (auto found = notes_.newest(options); !found.empty(); found = notes_.newest(options)) {
            for (const auto& one : found) {
                if (!seen.insert(one.id).second) throw std::runtime_error("twice: " + one.value.key);
                keys += one.value.key + ' ';
            }
            options.after = found.back().cursor();
            std::this_thread::sleep_for(1ms);
        }
        return keys;
    }

    stele::VectorIndex<Note> notes_;
};

}  // namespace

int main(int argc, char** argv) {
    stele::test::obey_orders<Orders>(std::string(argv[1]), std::string(argv[argc - 1]));
}
