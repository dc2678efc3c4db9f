"""Short forms of forenames that are common in England, each with the names it may stand for."""

from __future__ import annotations

_GROUPS = """
abigail abi abbie gail
agnes aggie nessie
alan al allan allen alun
albert al bert bertie
alexander alex alec sandy xander alasdair alastair alistair
alexandra alex sandra lexi lexie
alfred alf alfie fred
alice ali allie
alison ali allie
amanda mandy
amelia millie amy emilia
andrew andy drew
angela angie ange
anne ann anna annie nan
anthony antony tony ant
arthur art artie
barbara barb babs
barry baz bazza
benjamin ben benny benji
bernard bernie
bernadette bernie
bradley brad
bridget biddy bridie
cameron cam
caroline carol carrie caz
catherine katherine kathryn catharine katharine kate katie kathy cathy cath kath kitty katy kat
charles charlie chas chuck
charlotte charlie lottie
christine christina chris chrissie tina
christopher chris kris kit topher
clifford cliff
clive clyve
conor connor
craig craigie
cynthia cindy
daniel dan danny
danielle dani
david dave davey davy dai
deborah debbie debra deb debs
dennis denis den denny
derek del
dominic dom
donald don donnie
dorothy dot dottie dolly
douglas doug dougie
edward ed eddie ted teddy ned eddy
edwin ed eddie
eleanor ellie nell nellie elinor
elizabeth liz lizzie beth betty eliza elsie libby lisa betsy bess elisabeth lisbeth
ellen nell nellie ellie helen
emily em emmie millie
emma em emmie
eric rick
ernest ernie
evelyn eve evie
florence flo florrie flossie
frances fran franny francesca frankie
francis frank frankie
frederick fred freddie freddy frederic
gabriel gabe
gareth gary gaz
gary gaz gazza garry
geoffrey geoff jeffrey jeff
george georgie
georgina georgie gina
gerald gerry jerry ged
gerard ged gerry
gillian gill jill jillian
gordon gord
graham graeme grahame
gregory greg
harold harry hal
harriet harry hattie
henry harry hal hank
hannah anna hanna
hugh hughie huw
ian iain
irene rene
isaac ike zac
isabella isabel bella izzy belle isobel
jacob jake
jacqueline jackie jacqui
james jim jimmy jamie jem
jane janey jayne janie
janet jan
jason jay jase
jennifer jen jenny jenni
jeremy jez jerry jem
jessica jess jessie
joanne jo joanna joan
john johnny jack jon
jonathan jon jonny jonathon johnathan
joseph joe joey jo
josephine jo josie
joshua josh
judith judy jude
julia julie jules
kayleigh kay kayley
kenneth ken kenny
kevin kev
kieran kyran kieron
kimberley kim kimberly
laura lori laurie
lawrence laurence larry laurie loz
leonard len lenny leo
leslie les lesley
lewis lou louis
linda lin lindy lynda
louise lou
lucy lucie luce
luke lucas luca
madeleine maddie maddy madeline
malcolm mal malc
margaret maggie meg peggy peg madge marge margie rita greta mags
marie maria mary molly polly maureen
mark marc
martin marty martyn
martha marty mattie
matthew matt mat matty mathew
maurice mo
maximilian max maxwell
melanie mel
melissa mel lissa
michael mike mick mickey micky mikey
michelle shelley chelle shell
mohammed mohammad muhammad mohamed mohamad mohd mo
monica mona
morris mo
nancy nan
natalie nat
nathan nate nat nathaniel
neil niall neal
nicholas nick nicky nicolas nico
nicola nicky nikki nic nicole
oliver ollie olly
olivia liv livvy
oscar ozzy
owen owain
pamela pam
patricia pat patsy trish tricia trisha patti
patrick pat paddy padraig rick
paul paulie
pauline paula polly
peter pete
philip phil pip phillip
philippa pip pippa
rachel rachael rach
raymond ray
rebecca becky bex becca becs
reginald reg reggie
richard rich richie rick ricky dick dickie
robert rob bob bobby robbie bert
roberta bobbie robbie
robin rob robbie
roderick rod roddy
roger rodge
ronald ron ronnie
rosemary rose rosie
roy royston
rupert rupe
russell russ
ruth ruthie
samantha sam sammy
samuel sam sammy
sandra sandy
sarah sara sally sal
scott scotty
sean shaun shawn
sharon shaz
sheila shelagh
sidney sid sydney
simon si
sophia sophie
stanley stan
stephen steven steve stevie ste
stephanie steph stevie
stuart stewart stu stew
susan sue susie suzie suzanne
sylvia syl
terence terry tel terrence
teresa theresa terry tess tessa
thomas tom tommy
timothy tim timmy
tobias toby
toni antonia
tracey tracy trace
valerie val
vanessa nessa
victor vic
victoria vicky vicki tori vikki
vincent vince vinny
violet vi
virginia ginny
walter wally walt
wayne wayno
wendy wen
wilfred wilf
william bill billy will willie liam wills
winifred winnie
yvonne yvette
zachary zac zach zack
zoe zoey
"""

FORENAMES: dict[str, str] = {}
"""Each known forename or short form, and the first name in the list that it may stand for."""
for _line in _GROUPS.split("\n"):
    for _name in _line.split():
        FORENAMES.setdefault(_name, _line.split()[0])

_COMMON = """
adams ahmed ali allen anderson andrews bailey baker barnes begum bell bennett brown burke burton butler byrne
campbell carroll carter clark clarke collins cook cooper cox davies davis dixon doherty doyle duffy dunne edwards
elliott ellis evans farrell fisher fletcher foster fowler gallagher gerrard gibson graham gray green griffiths hall
harris harrison hill holmes howard hughes hunt hussain jackson james johnson jones kaur kelly kennedy khan king
knight lewis lloyd lynch marshall martin mason matthews mccann mccarthy miller mills mitchell molloy moore morgan
morris murphy murray nolan obrien oconnor oneill osullivan owen palmer parker patel pearson phillips powell price
quinn reynolds richardson roberts robinson rogers rooney russell ryan scott shaw simpson singh smith stevens
stewart taylor thomas thompson turner walker walsh ward watson webb white williams wilson wood wright young
"""
SURNAMES = frozenset(_COMMON.split())
"""Common surnames, by which a column of names is known for one; no linkage uses them."""
