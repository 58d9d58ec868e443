#include "stele/model_memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/json_object.hpp"
#include "base/json_tree.hpp"
#include "base/result.hpp"
#include "memory/memory_checks.hpp"
#include "memory/memory_model_store.hpp"
#include "memory/postgres_model_store.hpp"
#include "memory/token_window.hpp"
#include "memory/tool_uses.hpp"
#include "postgres/database_impl.hpp"
#include "postgres/joined_transaction.hpp"

namespace stele {
inline namespace v0 {
namespace {

ModelElement read_element(const Json& stored, const std::string& memory) {
    try {
        return from_json<ModelElement>(stored);
    } catch (const Error& error) {
        raise(ErrorCode::type_mismatch,
              fmt::format("the memory \"{}\" holds what is no element: {}", memory, error.what()));
    }
}

ModelStore::Write checked(std::span<const ModelElement> elements, const RememberOptions& options) {
    ModelStore::Write write{{}, options.variables, options.key, options.expected};
    write.elements.reserve(elements.size());
    std::vector<ToolUse> uses;
    std::set<Uuid> seen;
    for (const ModelElement& element : elements) {
        const auto identifier = std::visit([](const auto& each) { return each.identifier; }, element);
        if (identifier && !seen.insert(*identifier).second) {
            raise(ErrorCode::invalid_argument,
                  fmt::format("two of the elements have the identifier {}", identifier->to_string()));
        }
        write.elements.push_back({to_json(element), identifier});
        uses.push_back(tool_use(element));
    }
    if (!options.allow_unasked) write.responses = unasked(uses);
    return write;
}

void check_variables(const std::optional<Json>& variables) {
    if (!variables) return;
    try {
        if (parse_json(variables->text()).kind == JsonNode::Kind::object) return;
    } catch (const Error& error) {
        raise(ErrorCode::invalid_argument, fmt::format("the variables are not JSON: {}", error.what()));
    }
    raise(ErrorCode::invalid_argument, "the variables are not a JSON object");
}

}  // namespace

/// Null `store`: constant.
struct ModelMemory::Impl {
    std::string identifier;
    ModelMemoryOptions options;
    std::shared_ptr<ModelStore> store;
    std::optional<Database> database;
    ModelMemoryRecall constant = {};
    std::shared_ptr<JoinedTransaction> joined = nullptr;

    Deadline until(const std::optional<Deadline>& deadline) const {
        if (deadline) return *deadline;
        return database ? database->impl().default_deadline() : Deadline::never();
    }
    template <class Inner>
    ModelMemory join(Inner& inner) const {
        if (!database || joined) {
            raise(
                ErrorCode::invalid_argument,
                "only a memory on a database takes part in a transaction; this is a twin without one, or does already");
        }
        auto transaction = std::make_shared<JoinedTransaction>(inner, *database);
        return ModelMemory(std::make_shared<Impl>(
            Impl{identifier,
                 options,
                 std::make_shared<PostgresModelStore>(transaction, database->quoted_schema(), false),
                 database,
                 {},
                 transaction}));
    }
};

bool operator==(const ModelMemoryRecall& a, const ModelMemoryRecall& b) {
    return a.context == b.context && same_value(a.variables, b.variables) && same_value(a.meta, b.meta);
}

ModelMemory::ModelMemory(Database database, std::string identifier, ModelMemoryOptions options)
    : impl_(std::make_shared<Impl>()) {
    check_memory_name("the identifier", identifier);
    impl_->identifier = std::move(identifier);
    impl_->options = options;
    impl_->store =
        std::make_shared<PostgresModelStore>(std::make_shared<Database>(database), database.quoted_schema(), true);
    impl_->database = std::move(database);
}

ModelMemory ModelMemory::in_memory(std::string identifier, MemoryDatabase database, ModelMemoryOptions options) {
    check_memory_name("the identifier", identifier);
    return ModelMemory(std::make_shared<Impl>(
        Impl{std::move(identifier), options, std::make_shared<MemoryModelStore>(std::move(database)), std::nullopt}));
}

ModelMemory ModelMemory::constant(ModelMemoryRecall recalled) {
    return ModelMemory(std::make_shared<Impl>(Impl{{}, {}, nullptr, std::nullopt, std::move(recalled)}));
}

ModelMemory ModelMemory::in(Transaction& transaction) const {
    return impl_->join(transaction);
}

ModelMemory ModelMemory::in(Savepoint& savepoint) const {
    return impl_->join(savepoint);
}

ModelMemoryRecall ModelMemory::recall(const RecallOptions& options, std::optional<Deadline> deadline) const {
    if (impl_->store == nullptr) return impl_->constant;
    const WindowLimits limits(options.limit.value_or(impl_->options.recall_limit.value_or(0)), options.max_tokens,
                              options.count_tokens, options.replay);
    const Deadline until = impl_->until(deadline);
    ModelMemoryRecall recalled;
    WindowReader window(limits);
    do {
        ModelStore::Found found = impl_->store->recall(impl_->identifier, window.wanted(), until);
        recalled.position = found.position;
        recalled.variables = std::move(found.variables).value_or(Json::object());
        std::vector<WindowElement> elements;
        for (std::size_t i = window.accept(found.elements.size()); i > 0; --i) {
            elements.emplace_back(read_element(found.elements[i - 1], impl_->identifier), elements.size());
        }
        window.take(std::move(elements), false);
    } while (!window.complete());
    recalled.tokens = window.tokens();
    recalled.older = window.older();
    recalled.context = std::move(window).elements();
    return recalled;
}

Remembered ModelMemory::remember(std::span<const ModelElement> elements, const RememberOptions& options,
                                 std::optional<Deadline> deadline) {
    const ModelStore::Write write = checked(elements, options);
    check_variables(options.variables);
    if (options.key) check_memory_name("the key", *options.key);
    if (impl_->store == nullptr || (write.elements.empty() && !write.variables)) return {};
    const MemoryOutcome outcome = impl_->store->remember(impl_->identifier, write, impl_->until(deadline));
    if (outcome.kind == MemoryOutcome::Kind::moved) {
        throw MemoryMoved(impl_->identifier, *options.expected, outcome.position);
    }
    return {outcome.position, outcome.kind == MemoryOutcome::Kind::repeated};
}

void ModelMemory::maintenance(const std::optional<Json>& variables, std::optional<Deadline> deadline) {
    if (variables) {
        remember({}, {.variables = variables}, deadline);
    } else if (impl_->store != nullptr) {
        impl_->store->create(impl_->identifier, impl_->until(deadline));
    }
}

template <>
Json to_json<ModelMemoryRecall>(const ModelMemoryRecall& recall) {
    detail::JsonWriter out("what a memory recalled");
    out.begin_object();
    write_string(out, "type", "model_memory");
    out.member("context");
    detail::JsonCodec<std::vector<ModelElement>>::write(out, recall.context);
    write_object(out, "variables", recall.variables);
    write_object(out, "meta", recall.meta);
    out.end_object();
    return out.take();
}

template <>
ModelMemoryRecall from_json<ModelMemoryRecall>(const Json& json, const FromJsonOptions& options) {
    const detail::JsonDocument document(json, "what a memory recalled", options);
    const detail::JsonReader in = document.root();
    in.check_unknown(std::initializer_list<std::string_view>{"type", "context", "variables", "meta"});
    const detail::JsonReader type = require(in, "type");
    if (type.string() != "model_memory") {
        constexpr std::string_view kTypes[] = {"model_memory"};
        type.refuse_choice(kTypes);
    }
    ModelMemoryRecall recall;
    const detail::JsonReader context = require(in, "context");
    recall.context = detail::JsonCodec<std::vector<ModelElement>>::read(context);
    if (const auto variables = in.find("variables", "variables"); variables && !variables->is_null()) {
        recall.variables = read_object(*variables);
    }
    recall.meta = read_meta(in);
    return recall;
}

}  // namespace v0
}  // namespace stele
