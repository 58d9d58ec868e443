#include "templates/resolution.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stele {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Resolution, asks_for_all_bodies_of_a_level_at_once_and_for_each_once) {
    const Template handle{"page", {{"a", Template{"head"}}, {"b", Template{"foot"}}, {"c", Template{"head"}}}};
    const TemplateArguments arguments = {{"d", Template{"deep"}}};
    Resolution resolution(handle, arguments);
    EXPECT_THAT(*resolution.advance(), ElementsAre("page"));
    resolution.supply("page", TemplateBody::parse("{%a%}{%b%}{%c%}"));
    EXPECT_THAT(*resolution.advance(), ElementsAre("head", "foot"));
    resolution.supply("head", TemplateBody::parse("H{%d%}"));
    resolution.supply("foot", TemplateBody::parse("F"));
    EXPECT_THAT(*resolution.advance(), ElementsAre("deep"));
    resolution.supply("deep", TemplateBody::parse("D"));
    EXPECT_THAT(*resolution.advance(), IsEmpty());
    EXPECT_EQ(resolution.take_content(), Content("HDFHD"));
}

TEST(Resolution, refuses_before_anything_is_loaded_for_a_call_that_cannot_succeed) {
    const TemplateBody body = TemplateBody::parse("{%a%}{%missing%}");
    const TemplateArguments arguments = {{"a", Template{"head"}}};
    Resolution resolution(body, arguments);
    const auto wanted = resolution.advance();
    ASSERT_FALSE(wanted);
    EXPECT_EQ(wanted.error().message, "the template needs arguments that were not given: \"missing\"");
}

TEST(Resolution, fails_at_each_step_whose_body_is_not_there) {
    const Template handle{"page", {{"a", Template{"head"}}}};
    const TemplateArguments none;
    for (const bool has_page : {false, true}) {
        Resolution resolution(handle, none);
        ASSERT_TRUE(resolution.advance());
        resolution.supply("page", has_page ? std::optional(TemplateBody::parse("{%a%}")) : std::nullopt);
        if (has_page) {
            ASSERT_TRUE(resolution.advance());
            resolution.supply("head", std::nullopt);
        }
        const auto wanted = resolution.advance();
        ASSERT_FALSE(wanted);
        EXPECT_EQ(wanted.error().code, ErrorCode::not_found);
    }
}

}  // namespace
}  // namespace stele
