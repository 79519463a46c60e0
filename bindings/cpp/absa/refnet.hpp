/** @file
 * The reference network and its data, of libabsa-refnet. See absa/refnet.h and absa/refdata.h.
 */
#ifndef ABSA_REFNET_HPP
#define ABSA_REFNET_HPP

#include <absa/block.hpp>
#include <absa/refdata.h>
#include <absa/refnet.h>

namespace absa
{

/** @cond */
ABSA_CPP_DEFAULTS(absa_refnet_options)
ABSA_CPP_DEFAULTS(absa_refnet_range)
ABSA_CPP_DEFAULTS(absa_refnet_evaluation)
ABSA_CPP_DEFAULTS(absa_dataset_view)
ABSA_CPP_DEFAULTS(absa_glyphs_options)
/** @endcond */

/** A network. Vectors are void pointers to elements of its type, of the lengths that its counts
 * say; y is what the loss takes. */
class refnet
{
  public:
    refnet(const context &c, absa_refnet_options o) : state_(c.shared())
    {
        absa_refnet *made = nullptr;
        state_->check(absa_refnet_create(state_->context, &o, &made));
        handle_.reset(made);
    }
    static std::int64_t workspace(const context &c, absa_refnet_options o)
    {
        std::int64_t out = 0;
        c.shared()->check(absa_refnet_workspace(c.get(), &o, &out));
        return out;
    }
    std::int64_t parameter_count() const noexcept
    {
        return absa_refnet_parameter_count(get());
    }
    std::int64_t input_count() const noexcept
    {
        return absa_refnet_input_count(get());
    }
    std::int64_t output_count() const noexcept
    {
        return absa_refnet_output_count(get());
    }
    std::int32_t element() const noexcept
    {
        return absa_refnet_element(get());
    }
    std::vector<absa_refnet_range> ranges() const
    {
        std::vector<absa_refnet_range> out(static_cast<std::size_t>(absa_refnet_range_count(get())),
                                           defaults<absa_refnet_range>());
        for (std::size_t i = 0; i < out.size(); i++)
            state_->check(absa_refnet_range_at(get(), detail::count_of(i), &out[i]));
        return out;
    }
    space space_of(const context &c) const
    {
        absa_space out{};
        absa_refnet_space(get(), &out, sizeof out);
        return space(c, out);
    }
    /** All parameters, none selected. */
    block layout(const context &c) const
    {
        absa_block *made = nullptr;
        state_->check(absa_refnet_layout(get(), &made));
        return block(c, made);
    }
    void init_parameters(std::uint64_t seed, void *theta) const
    {
        state_->check(absa_refnet_init_parameters(get(), seed, theta));
    }
    void set_mode(std::int32_t mode)
    {
        state_->check(absa_refnet_set_mode(get(), mode));
    }
    void track(double share)
    {
        state_->check(absa_refnet_track(get(), share));
    }
    std::vector<double> statistics() const
    {
        std::vector<double> out(static_cast<std::size_t>(absa_refnet_statistic_count(get())));
        if (!out.empty())
            state_->check(absa_refnet_read_statistics(get(), out.data()));
        return out;
    }
    void write_statistics(view<const double> from)
    {
        detail::same_size(from.size(), static_cast<std::size_t>(absa_refnet_statistic_count(get())),
                          "the statistics and the network's");
        if (!from.empty())
            state_->check(absa_refnet_write_statistics(get(), from.data()));
    }
    double loss(const void *theta, const void *x, const void *y, std::int64_t rows)
    {
        double out = 0.0;
        state_->check(absa_refnet_loss(get(), theta, x, y, rows, &out));
        return out;
    }
    double gradient(const void *theta, const void *x, const void *y, std::int64_t rows, void *g)
    {
        double out = 0.0;
        state_->check(absa_refnet_gradient(get(), theta, x, y, rows, g, &out));
        return out;
    }
    double input_gradient(const void *theta, const void *x, const void *y, std::int64_t rows,
                          void *g)
    {
        double out = 0.0;
        state_->check(absa_refnet_input_gradient(get(), theta, x, y, rows, g, &out));
        return out;
    }
    void predict(const void *theta, const void *x, std::int64_t rows, void *outputs)
    {
        state_->check(absa_refnet_predict(get(), theta, x, rows, outputs));
    }
    absa_refnet_evaluation evaluate(const void *theta, const void *x, const void *y,
                                    std::int64_t rows)
    {
        auto out = defaults<absa_refnet_evaluation>();
        state_->check(absa_refnet_evaluate(get(), theta, x, y, rows, &out));
        return out;
    }
    /** Sets what products are computed on; returns the loss there. */
    double probe(const void *theta, const void *x, const void *y, std::int64_t rows)
    {
        double out = 0.0;
        state_->check(absa_refnet_probe(get(), theta, x, y, rows, &out));
        return out;
    }
    void probe_clear()
    {
        absa_refnet_probe_clear(get());
    }
    void hvp(const void *v, void *hv)
    {
        state_->check(absa_refnet_hvp(get(), v, hv));
    }
    void gnvp(const void *v, void *gv)
    {
        state_->check(absa_refnet_gnvp(get(), v, gv));
    }
    /** The Hessian, or the Gauss-Newton matrix, at the probe; the network must outlive it. */
    linear_operator hessian(const context &c)
    {
        return linear_operator::from_c(space_of(c), absa_refnet_hvp_callback, get());
    }
    linear_operator gauss_newton(const context &c)
    {
        return linear_operator::from_c(space_of(c), absa_refnet_gnvp_callback, get());
    }
    absa_refnet *get() const noexcept
    {
        return handle_.get();
    }

  private:
    std::shared_ptr<detail::state> state_;
    std::unique_ptr<absa_refnet, detail::destroy<absa_refnet, absa_refnet_destroy>> handle_;
};

/** Products by a block that go back no further than its first layer; the network must outlive it.
 */
class refnet_block
{
  public:
    refnet_block(const context &c, refnet &net, const block &selection) : state_(c.shared())
    {
        absa_refnet_block *made = nullptr;
        state_->check(absa_refnet_block_create(net.get(), selection.get(), &made));
        handle_.reset(made);
    }
    std::int64_t count() const noexcept
    {
        return absa_refnet_block_count(get());
    }
    void hvp(const void *v, void *hv)
    {
        state_->check(absa_refnet_block_hvp(get(), v, hv));
    }
    void gnvp(const void *v, void *gv)
    {
        state_->check(absa_refnet_block_gnvp(get(), v, gv));
    }
    /** On the block's space, block::space_of(). */
    linear_operator hessian(const space &s)
    {
        return linear_operator::from_c(s, absa_refnet_block_hvp_callback, get());
    }
    linear_operator gauss_newton(const space &s)
    {
        return linear_operator::from_c(s, absa_refnet_block_gnvp_callback, get());
    }
    absa_refnet_block *get() const noexcept
    {
        return handle_.get();
    }

  private:
    std::shared_ptr<detail::state> state_;
    std::unique_ptr<absa_refnet_block,
                    detail::destroy<absa_refnet_block, absa_refnet_block_destroy>>
        handle_;
};

/** A records format's fields for one of its kinds. */
inline absa_records_format records_format(std::int32_t kind)
{
    absa_records_format out{};
    absa_records_format_init(&out, sizeof out, kind);
    return out;
}

/** Images or tables with labels. */
class dataset
{
  public:
    dataset(const context &c, const absa_dataset_view &from)
        : dataset(c, [&](absa_dataset **out) { return absa_dataset_create(c.get(), &from, out); })
    {
    }
    static dataset read_idx(const context &c, const std::string &images, const std::string &labels,
                            std::int64_t classes)
    {
        return dataset(c, [&](absa_dataset **out) {
            return absa_dataset_read_idx(c.get(), images.c_str(), labels.c_str(), classes, out);
        });
    }
    static dataset parse_idx(const context &c, view<const unsigned char> images,
                             view<const unsigned char> labels, std::int64_t classes)
    {
        return dataset(c, [&](absa_dataset **out) {
            return absa_dataset_parse_idx(c.get(), images.data(), images.size(), labels.data(),
                                          labels.size(), classes, out);
        });
    }
    static dataset read_records(const context &c, const std::vector<std::string> &paths,
                                const absa_records_format &format)
    {
        std::vector<const char *> list;
        for (const std::string &path : paths)
            list.push_back(path.c_str());
        return dataset(c, [&](absa_dataset **out) {
            return absa_dataset_read_records(c.get(), list.data(), detail::count_of(list.size()),
                                             &format, out);
        });
    }
    static dataset parse_records(const context &c, view<const unsigned char> data,
                                 const absa_records_format &format)
    {
        return dataset(c, [&](absa_dataset **out) {
            return absa_dataset_parse_records(c.get(), data.data(), data.size(), &format, out);
        });
    }
    static dataset read_csv(const context &c, const std::string &path, std::int64_t label_column)
    {
        return dataset(c, [&](absa_dataset **out) {
            return absa_dataset_read_csv(c.get(), path.c_str(), label_column, out);
        });
    }
    static dataset parse_csv(const context &c, view<const unsigned char> data,
                             std::int64_t label_column)
    {
        return dataset(c, [&](absa_dataset **out) {
            return absa_dataset_parse_csv(c.get(), data.data(), data.size(), label_column, out);
        });
    }
    static dataset glyphs(const context &c, absa_glyphs_options o = defaults<absa_glyphs_options>())
    {
        return dataset(c,
                       [&](absa_dataset **out) { return absa_dataset_glyphs(c.get(), &o, out); });
    }
    absa_dataset_view get_view() const
    {
        auto out = defaults<absa_dataset_view>();
        state_->check(absa_dataset_view_get(get(), &out));
        return out;
    }
    void limit(std::int64_t rows)
    {
        state_->check(absa_dataset_limit(get(), rows));
    }
    /** rows drawn at random, and the others. */
    std::pair<dataset, dataset> split(std::int64_t rows, std::uint64_t seed) const
    {
        absa_dataset *first = nullptr, *second = nullptr;
        state_->check(absa_dataset_split(get(), rows, seed, &first, &second));
        return {dataset(state_, first), dataset(state_, second)};
    }
    void gather(view<const std::int64_t> rows, float *x, std::int32_t *labels) const
    {
        state_->check(
            absa_dataset_gather(get(), rows.data(), detail::count_of(rows.size()), x, labels));
    }
    absa_dataset *get() const noexcept
    {
        return handle_.get();
    }

  private:
    dataset(std::shared_ptr<detail::state> s, absa_dataset *made)
        : state_(std::move(s)), handle_(made)
    {
    }
    template <class F, class = decltype(std::declval<F &>()(static_cast<absa_dataset **>(nullptr)))>
    dataset(const context &c, F &&make) : state_(c.shared())
    {
        absa_dataset *made = nullptr;
        state_->check(make(&made));
        handle_.reset(made);
    }
    std::shared_ptr<detail::state> state_;
    std::unique_ptr<absa_dataset, detail::destroy<absa_dataset, absa_dataset_destroy>> handle_;
};

} // namespace absa

#endif
