#include "configuration/configuration_document.hpp"

namespace stele::inline v0::detail {

ConfigurationDocument::~ConfigurationDocument() {
    for (Value* value = values_.load(); value != nullptr;) {
        value->type->free(value->value);
        delete std::exchange(value, value->next);
    }
}

const void* ConfigurationDocument::as(const ConfigurationType& type, bool refuse_unknown) const {
    Value* newest = values_.load(std::memory_order_acquire);
    for (const Value* value = newest; value != nullptr; value = value->next) {
        if (value->type == &type) return value->value;
    }
    // two threads may both come here: two equal values, both kept
    auto added = std::make_unique<Value>(Value{&type, nullptr, newest});
    added->value = type.read(content_, refuse_unknown);
    while (!values_.compare_exchange_weak(added->next, added.get(), std::memory_order_acq_rel)) {
    }
    return added.release()->value;
}

}  // namespace stele::inline v0::detail
