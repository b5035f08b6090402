//! `join!` and `try_join!`: each future is pinned here and polled until it is done.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Expr, Token};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    All,
    Try,
}

struct Futures(Vec<Expr>);

impl Parse for Futures {
    fn parse(input: ParseStream<'_>) -> syn::Result<Futures> {
        crate::select::parse_biased(input)?;
        let list = Punctuated::<Expr, Token![,]>::parse_terminated(input)?;
        Ok(Futures(list.into_iter().collect()))
    }
}

pub(crate) fn expand(kind: Kind, input: TokenStream) -> TokenStream {
    let futures = match syn::parse2::<Futures>(input) {
        Ok(Futures(futures)) => futures,
        Err(error) => return error.into_compile_error(),
    };
    let names: Vec<_> = (0..futures.len()).map(|n| format_ident!("__future_{n}")).collect();
    let (on_error, outputs) = match kind {
        Kind::All => (None, quote! { (#(#names.as_mut().take(),)*) }),
        Kind::Try => (
            Some(quote! {
                #(if let ::core::option::Option::Some(error) = #names.as_mut().take_error() {
                    return ::core::task::Poll::Ready(::core::result::Result::Err(error));
                })*
            }),
            quote! { ::core::result::Result::Ok((#(#names.as_mut().take_ok(),)*)) },
        ),
    };
    quote! {{
        #(let mut #names = ::core::pin::pin!(::heist::__private::MaybeDone::new(#futures));)*
        ::core::future::poll_fn(move |__cx| {
            let _ = &__cx;
            let mut __ready = true;
            #(__ready &= #names.as_mut().poll_done(__cx);)*
            #on_error
            if __ready {
                ::core::task::Poll::Ready(#outputs)
            } else {
                ::core::task::Poll::Pending
            }
        })
        .await
    }}
}
