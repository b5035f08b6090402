//! From an async function and a few arguments to a function that builds a runtime and runs it.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Error, Expr, ExprLit, ItemFn, Lit, MetaNameValue, Path, Token};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Main,
    Test,
}

/// What the arguments say.
struct Arguments {
    current_thread: bool,
    worker_threads: Option<usize>,
    start_paused: bool,
    /// In milliseconds.
    timeout: Option<u64>,
    krate: Path,
}

pub(crate) fn expand(kind: Kind, args: TokenStream, item: TokenStream) -> TokenStream {
    match try_expand(kind, args, item.clone()) {
        Ok(tokens) => tokens,
        Err(error) => {
            // The function stays, so that its other errors and uses are not hidden by ours.
            let error = error.into_compile_error();
            quote! { #error #item }
        }
    }
}

fn try_expand(kind: Kind, args: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let mut function: ItemFn = syn::parse2(item)?;
    let args = Arguments::parse(kind, args)?;
    let signature = &mut function.sig;
    if signature.asyncness.take().is_none() {
        return Err(Error::new(signature.fn_token.span, "the function must be `async`"));
    }
    if let Some(input) = signature.inputs.first() {
        return Err(Error::new(input.span(), "the function cannot take arguments"));
    }
    if let Some(generic) = signature.generics.params.first() {
        return Err(Error::new(generic.span(), "the function cannot be generic"));
    }
    let Arguments { current_thread, worker_threads, start_paused, timeout, krate } = args;
    let flavor = if current_thread {
        quote! { #krate::runtime::Builder::new_current_thread() }
    } else {
        quote! { #krate::runtime::Builder::new_multi_thread() }
    };
    let workers = worker_threads.map(|n| quote! { .worker_threads(#n) });
    let paused = start_paused.then(|| quote! { .start_paused(true) });
    let ItemFn { attrs, vis, sig, block } = function;
    let output = match &sig.output {
        syn::ReturnType::Default => quote! { () },
        syn::ReturnType::Type(_, ty) => quote! { #ty },
    };
    let run = match timeout {
        Some(ms) => quote! { #krate::__private::block_on_with_timeout(&runtime, #ms, body) },
        None => quote! { runtime.block_on(body) },
    };
    let test = (kind == Kind::Test).then(|| quote! { #[::core::prelude::v1::test] });
    // The span of the closing brace: what is wrong with the result is reported where it is given.
    let last = block.stmts.last().map_or_else(|| block.span(), Spanned::span);
    let wrapped = quote_spanned! {last=>
        {
            let body = async #block;
            // Names the type, so that `?` and an early `return` know where they lead.
            #[allow(clippy::let_unit_value)]
            fn typed<F: ::core::future::Future<Output = #output>>(body: F) -> F { body }
            let body = typed(body);
            let runtime = #flavor #workers #paused
                .enable_all()
                .build()
                .expect("cannot start the runtime");
            return #run;
        }
    };
    Ok(quote! {
        #test
        #(#attrs)*
        #[allow(clippy::needless_return)]
        #vis #sig #wrapped
    })
}

impl Arguments {
    fn parse(kind: Kind, args: TokenStream) -> syn::Result<Arguments> {
        let list = Punctuated::<MetaNameValue, Token![,]>::parse_terminated.parse2(args)?;
        let mut parsed = Arguments {
            current_thread: kind == Kind::Test,
            worker_threads: None,
            start_paused: false,
            timeout: None,
            krate: syn::parse_quote!(::heist),
        };
        let mut flavor_given = None;
        for argument in &list {
            let name = argument.path.get_ident().map(ToString::to_string).unwrap_or_default();
            match (name.as_str(), kind) {
                ("flavor", _) => {
                    let text = string(argument)?;
                    parsed.current_thread = match text.as_str() {
                        "current_thread" => true,
                        "multi_thread" => false,
                        _ => {
                            let message = format!(
                                "no such flavor: `{text}`; there are `multi_thread` and \
                                 `current_thread`"
                            );
                            return Err(Error::new(argument.value.span(), message));
                        }
                    };
                    flavor_given = Some(argument.span());
                }
                ("worker_threads", _) => {
                    let workers = number(argument)?;
                    if workers == 0 {
                        let message = "a runtime needs at least one worker thread";
                        return Err(Error::new(argument.value.span(), message));
                    }
                    parsed.worker_threads = Some(workers);
                }
                ("start_paused", _) => parsed.start_paused = boolean(argument)?,
                ("timeout", Kind::Test) => parsed.timeout = Some(duration(argument)?),
                ("crate", _) => {
                    parsed.krate = match &argument.value {
                        Expr::Path(path) => path.path.clone(),
                        _ => syn::parse_str(&string(argument)?)?,
                    };
                }
                _ => {
                    let timeout = if kind == Kind::Test { ", `timeout`" } else { "" };
                    let message = format!(
                        "no such argument; there are `flavor`, `worker_threads`, `start_paused`\
                         {timeout} and `crate`"
                    );
                    return Err(Error::new(argument.path.span(), message));
                }
            }
        }
        if parsed.worker_threads.is_some() {
            match flavor_given {
                None => parsed.current_thread = false,
                Some(span) if parsed.current_thread => {
                    let message = "`worker_threads` needs the flavor `multi_thread`";
                    return Err(Error::new(span, message));
                }
                Some(_) => {}
            }
        }
        Ok(parsed)
    }
}

fn literal(argument: &MetaNameValue) -> syn::Result<&Lit> {
    match &argument.value {
        Expr::Lit(ExprLit { lit, .. }) => Ok(lit),
        other => Err(Error::new(other.span(), "expected a literal")),
    }
}

fn string(argument: &MetaNameValue) -> syn::Result<String> {
    match literal(argument)? {
        Lit::Str(text) => Ok(text.value()),
        other => Err(Error::new(other.span(), "expected a string")),
    }
}

fn number(argument: &MetaNameValue) -> syn::Result<usize> {
    match literal(argument)? {
        Lit::Int(number) => number.base10_parse(),
        other => Err(Error::new(other.span(), "expected a number")),
    }
}

fn boolean(argument: &MetaNameValue) -> syn::Result<bool> {
    match literal(argument)? {
        Lit::Bool(boolean) => Ok(boolean.value),
        other => Err(Error::new(other.span(), "expected `true` or `false`")),
    }
}

/// A duration such as `"5s"` or `"500ms"`, in milliseconds.
fn duration(argument: &MetaNameValue) -> syn::Result<u64> {
    let text = string(argument)?;
    let parsed = match text.strip_suffix("ms") {
        Some(ms) => ms.trim().parse().ok(),
        None => text.strip_suffix('s').and_then(|s| s.trim().parse::<u64>().ok()).map(|s| s * 1000),
    };
    parsed.ok_or_else(|| {
        Error::new(argument.value.span(), "expected a duration such as \"5s\" or \"500ms\"")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(kind: Kind, args: TokenStream) -> String {
        expand(kind, args, quote! { async fn f() -> u8 { 1 } }).to_string()
    }

    #[test]
    fn flavors_and_arguments_reach_the_builder() {
        let main = expanded(Kind::Main, quote! { worker_threads = 3 });
        assert!(main.contains("new_multi_thread") && main.contains("worker_threads (3"));
        let test = expanded(Kind::Test, quote! { start_paused = true, timeout = "2s" });
        assert!(test.contains("new_current_thread") && test.contains("start_paused"));
        assert!(test.contains("2000") && test.contains("prelude :: v1 :: test"));
        assert!(expanded(Kind::Test, quote! { worker_threads = 2 }).contains("new_multi_thread"));
    }

    #[test]
    fn mistakes_are_named() {
        for (kind, args, what) in [
            (Kind::Main, quote! { flavor = "many" }, "no such flavor"),
            (Kind::Main, quote! { worker_threads = 0 }, "at least one worker"),
            (Kind::Main, quote! { timeout = "1s" }, "no such argument"),
            (Kind::Test, quote! { timeout = "soon" }, "expected a duration"),
            (Kind::Test, quote! { flavor = "current_thread", worker_threads = 2 }, "multi_thread"),
        ] {
            assert!(expanded(kind, args).contains(what), "{what}");
        }
        let plain = expand(Kind::Main, quote! {}, quote! { fn f() {} }).to_string();
        assert!(plain.contains("must be `async`"));
    }
}
