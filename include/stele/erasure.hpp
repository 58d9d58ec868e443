// Erases what belongs to somebody, wherever it is, in one transaction.
//
//     const stele::Erased receipt = stele::Erasure(database)
//                                       .conversation("ada-1")
//                                       .memory("ada")
//                                       .answers(cache, stele::Scope("acme").with("user", "ada"))
//                                       .documents(chunks, stele::field(&Chunk::owner) == "ada")
//                                       .run();
//
// Which threads, scope and documents are somebody's the application knows.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "stele/database.hpp"
#include "stele/detail/index_core.hpp"
#include "stele/export.hpp"
#include "stele/filter.hpp"
#include "stele/memory_database.hpp"
#include "stele/semantic_cache.hpp"
#include "stele/vector_index.hpp"

namespace stele {
inline namespace v0 {

/// The receipt: how much there was, and is not any more. Of a dry run: how much there is.
struct Erased {
    std::size_t conversations = 0, turns = 0;
    std::size_t memories = 0, elements = 0, snapshots = 0;  ///< snapshots of variables
    std::size_t answers = 0;
    std::size_t documents = 0;

    friend bool operator==(const Erased&, const Erased&) = default;
};

/// What to erase, and on which database. Not thread-safe. The stores must be of that database, else run() throws
/// Error(invalid_argument); a cache must outlive the calls of run().
class STELE_API Erasure {
public:
    explicit Erasure(Database database);
    /// Of twins, for tests: the same behaviour, but for the transaction, which twins have not.
    explicit Erasure(MemoryDatabase database);

    /// A thread of conversations (stele/conversation_memory.hpp). Error(invalid_argument) for no identifier.
    Erasure& conversation(std::string thread);
    /// A model memory (stele/model_memory.hpp): elements, variables and keys of calls.
    Erasure& memory(std::string identifier);
    /// All answers of a scope, as SemanticCache::clear() says.
    Erasure& answers(SemanticCache& cache, Scope scope);
    /// The documents of an index for which the filter holds. One that holds of everything is Error(invalid_argument).
    template <class Model>
    Erasure& documents(VectorIndex<Model> index, const FilterOf<Model>& where) {
        return add_documents(where.untyped(), [index = std::move(index), where](const Step& step) {
            return take(step.inside != nullptr ? index.in(*step.inside) : index, where, step);
        });
    }
    Erasure& documents(detail::IndexCore index, Filter where);

    /// Erases all of it or nothing, and says how much it was. What is not there counts nothing, so it may be called
    /// again. Durable when it returns; tried again when other transactions were in the way. Others that write to the
    /// same threads wait until it is over, and begin them anew. Processes that keep vectors of such answers in memory
    /// drop them when they next look. Copies of the database, backups and write-ahead logs are not its matter.
    Erased run(std::optional<Deadline> deadline = {});
    /// What run() would say now, as of one moment. Nothing is erased, and nobody waits.
    Erased dry_run(std::optional<Deadline> deadline = {});

private:
    struct Step {
        Transaction* inside = nullptr;  ///< none: of twins
        bool dry = false;
        std::optional<Deadline> until = {};
    };
    using Part = std::function<std::size_t(const Step& step)>;
    template <class Index, class Where>
    static std::size_t take(Index index, const Where& where, const Step& step) {
        return step.dry ? index.count(where, step.until) : index.remove(where, step.until);
    }
    Erasure& add_documents(const Filter& where, Part part);
    Erased erase(const Step& step);

    std::variant<Database, MemoryDatabase> database_;
    std::vector<std::string> conversations_, memories_;
    std::vector<Part> documents_, answers_;
};

}  // namespace v0
}  // namespace stele
