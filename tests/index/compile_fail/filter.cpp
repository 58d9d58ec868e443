// Compiles when MISUSE is 0. Each other value must be refused, with the message that tests/index/CMakeLists.txt
// expects.
#include "stele/filter.hpp"

#include <map>

namespace shop {

struct Maker {
    std::string name;
};
STELE_DESCRIBE(Maker, (name))
struct Item {
    std::string label;
    bool sold = false;
    std::vector<std::string> tags;
    Maker maker;
    std::map<std::string, int> sizes;
    stele::Json extra;
    int secret = 0;
};
STELE_DESCRIBE(Item, (label), (sold), (tags), (maker), (sizes), (extra))

}  // namespace shop

using shop::Item;
using shop::Maker;
using stele::field;

int main() {
#if MISUSE == 1
    auto filter = field(&Item::secret) == 1;
#elif MISUSE == 2
    auto filter = field(&Item::label) == 1;
#elif MISUSE == 3
    auto filter = field(&Item::sold) < true;
#elif MISUSE == 4
    auto filter = field(&Item::label) == "a" && field(&Maker::name) == "b";
#elif MISUSE == 5
    auto filter = field(&Item::label)[0] == "a";
#elif MISUSE == 6
    auto filter = field(&Item::label, &Maker::name) == "a";
#elif MISUSE == 7
    auto filter = field(&Item::extra) == nullptr;
#elif MISUSE == 8
    auto filter = field(&Item::label) == nullptr;
#elif MISUSE == 9
    auto filter = field(&Item::sizes)[0] == 1;
#elif MISUSE == 10
    auto filter = field(&Item::extra)[nullptr].exists();
#else
    auto filter = field(&Item::label) == "a" && field(&Item::maker, &Maker::name) != "b" &&
                  field(&Item::tags)[0] == "c" && field(&Item::sold) == true && field(&Item::sizes)["s"] == 1 &&
                  field(&Item::extra)[0] == stele::Json::parse("null") && field(&Item::extra)["a"] == std::nullopt;
#endif
    return filter.untyped().is_everything() ? 1 : 0;
}
