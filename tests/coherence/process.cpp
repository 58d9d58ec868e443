// A process with stores (stores.hpp says what a KEY means), driven through its standard input, a line an order, a line
// an answer.
//
//   coherence_process DSN SCHEMA [bound=MILLISECONDS] [hints=off] [migrate=off]
//
//   load KEY              kept|asked none|CONTENT: from memory or not
//   define KEY CONTENT    done
//   remove KEY            done
//   begin, commit, rollback    a transaction, which define, remove and inside take part in meanwhile
//   inside KEY            as load, in the transaction
//   watch KEY LAST        loads it until it is {"n": LAST}: the nanoseconds of CLOCK_MONOTONIC when each n was first
//   seen
//
// Anything may answer "error TEXT". Ends with its input.
#include <chrono>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "coherence/stores.hpp"
#include "support/orders.hpp"

namespace {

using namespace std::chrono_literals;

stele::DatabaseOptions options_of(const std::vector<std::string>& words) {
    stele::DatabaseOptions options;
    options.dsn = words.at(0);
    options.schema = words.at(1);
    for (std::size_t i = 2; i < words.size(); ++i) {
        if (words[i].starts_with("bound=")) {
            options.max_staleness = std::chrono::milliseconds(std::stoi(words[i].substr(6)));
        } else if (words[i] == "hints=off") {
            options.change_hints = false;
        } else if (words[i] == "migrate=off") {
            options.migrate = false;
        } else {
            throw std::invalid_argument("'" + words[i] + "' is no option");
        }
    }
    return options;
}

class Orders {
public:
    explicit Orders(const std::vector<std::string>& words)
        : database_(stele::Database::open(options_of(words))), stores_(database_) {}

    std::string obey(const std::string& line) {
        std::istringstream words(line);
        std::string order, key, content;
        words >> order >> key >> std::ws;
        std::getline(words, content);
        if (order == "load") return load(key);
        if (order == "inside") return stores_.load(key, &transaction_.value());
        if (order == "watch") return watch(key, content);
        if (order == "define") {
            stores_.define(key, content, transaction_ ? &*transaction_ : nullptr);
        } else if (order == "remove") {
            stores_.remove(key, transaction_ ? &*transaction_ : nullptr);
        } else if (order == "begin") {
            transaction_.emplace(database_.begin());
        } else if (order == "commit" || order == "rollback") {
            stele::Transaction transaction = std::move(transaction_.value());
            transaction_.reset();
            order == "commit" ? transaction.commit() : transaction.rollback();
        } else {
            throw std::invalid_argument("'" + order + "' is no order");
        }
        return "done";
    }

private:
    std::string load(const std::string& key) {
        const auto hits = stores_.hits();
        const std::string value = stores_.load(key);
        return (stores_.hits() > hits ? "kept " : "asked ") + value;
    }
    std::string watch(const std::string& key, const std::string& range) {
        int first = 0, last = 0;
        std::istringstream(range) >> first >> last;
        std::ostringstream times;
        for (int next = first; next <= last; std::this_thread::sleep_for(500us)) {
            const std::string value = stores_.load(key);
            const int n = value != "none" ? std::stoi(value.substr(6)) : 0;
            const auto now = std::chrono::steady_clock::now().time_since_epoch();
            for (; next <= n; ++next) times << std::chrono::nanoseconds(now).count() << ' ';
        }
        return times.str();
    }

    stele::Database database_;
    stele::test::Stores stores_;
    std::optional<stele::Transaction> transaction_;
};

}  // namespace

int main(int argc, char** argv) {
    stele::test::obey_orders<Orders>(std::vector<std::string>(argv + 1, argv + argc));
}
