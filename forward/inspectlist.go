package forward

// passedThrough are hosts whose TLS is not ended unless somebody names them:
// where what is entered is worth most, where the law may have its own view of
// who reads along, and where programs accept their maker's certificates only,
// so that inspection would break them. It is a start, not a census: a bank that
// is missing is added with --pass-through, and what is not wanted here is
// inspected by naming it.
var passedThrough = []string{
	// Banks and payment. The first is a top-level domain that banks alone get.
	".bank", ".insurance",
	".paypal.com", ".paypalobjects.com", ".stripe.com", ".stripe.network", ".adyen.com", ".klarna.com",
	".squareup.com", ".braintreegateway.com", ".worldpay.com", ".wise.com", ".revolut.com", ".n26.com",
	".visa.com", ".mastercard.com", ".americanexpress.com", ".3dsecure.io",
	".chase.com", ".bankofamerica.com", ".wellsfargo.com", ".citi.com", ".capitalone.com", ".schwab.com", ".fidelity.com", ".vanguard.com",
	".hsbc.com", ".hsbc.co.uk", ".barclays.co.uk", ".lloydsbank.co.uk", ".natwest.com", ".santander.com", ".monzo.com",
	".deutsche-bank.de", ".commerzbank.de", ".sparkasse.de", ".ing.com", ".ing.de", ".dkb.de", ".volksbank.de",
	".bnpparibas", ".societegenerale.fr", ".credit-agricole.fr", ".labanquepostale.fr", ".ubs.com", ".postfinance.ch",
	".unicredit.it", ".intesasanpaolo.com", ".bbva.es", ".caixabank.es", ".rabobank.nl", ".abnamro.nl", ".nordea.com", ".swedbank.se", ".danskebank.dk",
	".rbc.com", ".td.com", ".scotiabank.com", ".commbank.com.au", ".westpac.com.au", ".anz.com", ".nab.com.au",
	".alipay.com", ".coinbase.com", ".kraken.com", ".binance.com",

	// Governments, and who signs people in for them.
	".gov", ".mil", ".gov.uk", ".gov.au", ".gov.br", ".gov.in", ".gov.ie", ".gov.it", ".gov.pl", ".gov.pt", ".gov.sg", ".gov.za",
	".gc.ca", ".canada.ca", ".gouv.fr", ".gob.es", ".gob.mx", ".go.jp", ".go.kr", ".govt.nz", ".admin.ch", ".bund.de", ".elster.de", ".gv.at",
	".europa.eu", ".belgium.be", ".overheid.nl", ".digid.nl", ".skatteverket.se", ".bankid.com", ".id.me",

	// Health.
	".nhs.uk", ".mychart.com", ".mychart.org", ".epic.com", ".doctolib.de", ".doctolib.fr", ".ameli.fr", ".zocdoc.com", ".kaiserpermanente.org",

	// Updates of systems and programs, which verify who sends them.
	".windowsupdate.com", ".update.microsoft.com", ".delivery.mp.microsoft.com",
	".apple.com", ".icloud.com", ".mzstatic.com", ".aaplimg.com", ".cdn-apple.com",
	".gvt1.com", ".gvt2.com", "update.googleapis.com", "clients2.google.com", "clients4.google.com", "dl.google.com",
	"aus5.mozilla.org", ".services.mozilla.com", ".cdn.mozilla.net",
	"esm.ubuntu.com", "api.snapcraft.io", ".fwupd.org",

	// Programs that accept only certificates that they know, and vaults.
	"android.clients.google.com", "play.googleapis.com", "mtalk.google.com", "android.googleapis.com",
	".signal.org", ".whatsapp.net", ".whatsapp.com", ".telegram.org",
	".dropbox.com", ".dropboxapi.com", ".1password.com", ".bitwarden.com", ".lastpass.com", ".dashlane.com", ".proton.me", ".protonmail.com",
	".docker.io", ".tailscale.com",
}
